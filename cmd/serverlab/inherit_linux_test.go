package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Every process that a server starts finds the shared table, whatever descriptors the server has open at that moment:
// ForkExec uses numbers near those that it is given, and the table's must not be among them.
func TestTableReachesEveryProcess(t *testing.T) {
	for _, arch := range []string{"process", "prefork", "symped"} {
		t.Run(arch, func(t *testing.T) {
			const clients, gap = 120, 10 // more than the number of the table's descriptor
			s := startServing(t, "--arch", arch, "--state=stateful", "--store=shm", "--keepalive",
				fmt.Sprint("--workers=", clients))
			var asking [clients]func(string) string
			for i := range clients {
				c, err := net.Dial("tcp", s.addr)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
					t.Fatal(err)
				}
				from := bufio.NewReader(c)
				asking[i] = func(request string) string { return askOne(t, c, from, request) }
			}
			for i := range gap { // the first ones leave, so that low numbers are free again
				asking[i]("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			}
			for i := 70; i < 105 && !t.Failed(); i++ { // those whose descriptors are near the table's
				cookie := asking[i]("POST /open?file=f00 HTTP/1.1\r\nHost: x\r\n\r\n")
				asking[i]("GET /read?count=10 HTTP/1.1\r\nHost: x\r\nCookie: " + cookie + "\r\n\r\n")
			}
		})
	}
}

// askOne sends a request, wants it to succeed, and returns the cookie that is set.
func askOne(t *testing.T, c net.Conn, from *bufio.Reader, request string) (cookie string) {
	t.Helper()
	if _, err := c.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	_, err = bufio.NewReader(r.Body).WriteTo(&text)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("%.20q: %s %.100q %v", request, r.Status, text.String(), err)
	}
	cookie, _, _ = strings.Cut(r.Header.Get("Set-Cookie"), ";")
	return cookie
}
