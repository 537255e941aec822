//go:build linux

package servers

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/valyala/fasthttp"
)

// nginx is symped as the world knows it: a master that serves nothing, and a process per CPU that is an event loop.
//
//	master: starts and stops the workers
//	worker: epoll_wait -> accept, read -> parse -> open, read, close the file -> write -> epoll_wait
//
// One worker unless --loops says otherwise. It serves a file at / and knows no handler. sendfile is off, as it is by
// default: for a file this small it costs 40 % more CPU per request.
func nginx(ctx context.Context, cfg Config, _ fasthttp.RequestHandler) error {
	program, err := installed("nginx")
	if err != nil {
		return err
	}
	return external{program, syscall.SIGQUIT, writeNginx}.serve(ctx, cfg)
}

func needsNginx() error {
	_, err := installed("nginx")
	return err
}

// reservedByNginx are its connections that are no clients: listening sockets, and the channel from its master.
const reservedByNginx = 16

func writeNginx(dir, addr string, cfg Config) ([]string, error) {
	loops := max(1, cfg.Loops)
	alive := cfg.IdleTimeout
	if !cfg.KeepAlive {
		alive = 0
	}
	keep := "0"
	if alive > 0 {
		keep = seconds(alive)
	}
	var paths strings.Builder // it creates them all, whether they are used or not
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&paths, "\t%s_temp_path %s/%s;\n", name, dir, name)
	}
	conf := filepath.Join(dir, "nginx.conf")
	return []string{"-e", "stderr", "-p", dir, "-c", conf}, writeFiles(dir, map[string]string{"nginx.conf": fmt.Sprintf(`
%sdaemon off;
worker_processes %d;
pid %s/pid;
error_log stderr error;
worker_shutdown_timeout %s;
events { worker_connections %d; }
http {
	access_log off;
	types { }
	default_type "text/plain; charset=utf-8";
	keepalive_timeout %s;
	keepalive_requests 1000000000;
	client_header_timeout %s;
	client_body_timeout %s;
	send_timeout %s;
	large_client_header_buffers 4 %d;
	client_max_body_size %d;
%s	server {
		listen %s backlog=4096;
		root %s;
		index index.txt;
	}
}
`, asRoot("user root;\n"), loops, dir, seconds(cfg.StopTimeout), cfg.MaxConns/loops+reservedByNginx, keep,
		seconds(cfg.ReadTimeout), seconds(cfg.ReadTimeout), seconds(cfg.IdleTimeout), max(1024, cfg.Limits.Header),
		cfg.Limits.Body, paths.String(), addr, dir)})
}
