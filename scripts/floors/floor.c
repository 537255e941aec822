// Floors: what this machine can do where nothing is parsed, handled or checked. A server that waits for the blank line
// at the end of a request and answers with fixed bytes, by five architectures in plain C. They are yardsticks for
// scripts/versus.sh, not servers for use: no limits, no time-outs, no errors told.
//
//   cc -O2 -pthread -o floor floor.c
//   floor iterative|fork|thread|prefork|epoll PORT [PROCESSES]
//
// iterative and fork answer one request per connection; the others keep a connection until the client ends it or asks
// "Connection: close".
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER(connection) \
	"HTTP/1.1 200 OK\r\nServer: floor\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n" connection \
	"\r\nHello, World!"
static const char lives[] = ANSWER(""), ends[] = ANSWER("Connection: close\r\n");

enum { request_size = 8192 };

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int listen_on(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) || // connections inherit it
	    bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096))
		die("listen");
	return fd;
}

static int accept_one(int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
}

// answer sends what is due to n bytes that end in a blank line, for all requests in them at once. It tells whether the
// connection lives on.
static int answer(int fd, const char *in, size_t n)
{
	char out[32 * sizeof lives];
	const char *end, *text = lives;
	size_t size = 0;
	while (text == lives && (end = memmem(in, n, "\r\n\r\n", 4)) != NULL) {
		if (memmem(in, end - in, "Connection: close", 17))
			text = ends;
		memcpy(out + size, text, strlen(text));
		size += strlen(text);
		n -= end + 4 - in;
		in = end + 4;
		if (size + sizeof ends > sizeof out || text == ends || n == 0) {
			if (send(fd, out, size, MSG_NOSIGNAL) != (ssize_t)size)
				return 0;
			size = 0;
		}
	}
	return text == lives;
}

static int complete(const char *in, size_t n)
{
	return n >= 4 && memcmp(in + n - 4, "\r\n\r\n", 4) == 0;
}

// serve blocks on one connection until it ends.
static void serve(int fd, int keep)
{
	char in[request_size];
	size_t n = 0;
	for (;;) {
		ssize_t got = recv(fd, in + n, sizeof in - n, 0);
		if (got <= 0)
			break;
		n += got;
		if (!complete(in, n)) {
			if (n == sizeof in)
				break;
			continue;
		}
		if (!keep) {
			send(fd, ends, sizeof ends - 1, MSG_NOSIGNAL);
			break;
		}
		if (!answer(fd, in, n))
			break;
		n = 0;
	}
	close(fd);
}

static void *serve_thread(void *fd)
{
	serve((int)(long)fd, 1);
	return NULL;
}

static void thread_per_connection(int listener)
{
	pthread_attr_t small;
	pthread_t id;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 << 10);
	pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
	for (;;) {
		int fd = accept_one(listener);
		if (pthread_create(&id, &small, serve_thread, (void *)(long)fd))
			close(fd);
	}
}

static void prefork(int listener, int processes)
{
	for (int i = 0; i < processes; i++)
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				serve(accept_one(listener), 1);
		}
	for (;;)
		pause();
}

// fork_per_connection reaps whom it can before it waits for the next connection, so that their time is charged to it.
static void fork_per_connection(int listener)
{
	for (;;) {
		int fd = accept_one(listener);
		if (fork() == 0) {
			close(listener);
			serve(fd, 0);
			_exit(0);
		}
		close(fd);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

// event_loop takes what has arrived for a whole number of requests, as clients that wait for their answers send it.
static void event_loop(int listener)
{
	struct epoll_event events[256], e = {.events = EPOLLIN, .data.fd = listener};
	char in[request_size];
	int poll = epoll_create1(EPOLL_CLOEXEC);
	if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &e))
		die("epoll");
	for (;;) {
		int n = epoll_wait(poll, events, 256, -1);
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			if (fd == listener) {
				e.data.fd = accept_one(listener);
				epoll_ctl(poll, EPOLL_CTL_ADD, e.data.fd, &e);
				continue;
			}
			ssize_t got = recv(fd, in, sizeof in, MSG_DONTWAIT);
			if (got <= 0 || !complete(in, got) || !answer(fd, in, got))
				close(fd);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: floor iterative|fork|thread|prefork|epoll PORT [PROCESSES]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	const char *mode = argv[1];
	int listener = listen_on(atoi(argv[2]));
	if (strcmp(mode, "iterative") == 0)
		for (;;)
			serve(accept_one(listener), 0);
	if (strcmp(mode, "fork") == 0)
		fork_per_connection(listener);
	if (strcmp(mode, "thread") == 0)
		thread_per_connection(listener);
	if (strcmp(mode, "prefork") == 0)
		prefork(listener, argc > 3 ? atoi(argv[3]) : 64);
	if (strcmp(mode, "epoll") == 0)
		event_loop(listener);
	fprintf(stderr, "floor: no architecture %s\n", mode);
	return 2;
}
