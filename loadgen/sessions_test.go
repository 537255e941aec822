package loadgen

import (
	"strings"
	"testing"
	"time"

	"serverlab/internal/corpus"
)

const anID = "0123456789abcdef0123456789abcdef"

// What an answer tells of a session does not depend on where it was cut, and what is no name is none.
func TestTold(t *testing.T) {
	file := []byte("0123456789")
	long := strings.Repeat("x", 3*maxLine)
	for _, test := range []struct {
		fields, body string
		offset       int64
		id           string
		differs      bool
	}{
		{"X-Offset: 2\r\nSet-Cookie: session=" + anID + "; Path=/; HttpOnly\r\n", "2345", 2, anID, false},
		{"x-OFFSET:2 \r\nset-cookie:\tsession=" + anID + " ;x\r\n", "2345", 2, anID, false},
		{"Set-Cookie: session=" + anID + "; " + long + "\r\nX-Offset: 8\r\n", "89", 8, anID, false},
		{"X-Offset: 2\r\n", "2346", 2, "", true},
		{"X-Offset: 2\r\n", "23456", 2, "", false}, // a wrong length, which is another matter
		{"X-Offset: 10\r\n", "", 10, "", false},
		{"X-Offset: 11\r\n", "x", 11, "", false},
		{"X-Offset: -1\r\n", "9", -1, "", false},
		{"X-Offset: 1e3\r\n", "x", -1, "", false},
		{"X-Offset: 999999999999999999999\r\n", "x", -1, "", false},
		{"X-Offset: " + long + "\r\n", "x", -1, "", false},
		{"X-Offset:\r\nSet-Cookie:\r\n", "x", -1, "", false},
		{"Set-Cookie: session=" + anID + "0\r\n", "x", -1, "", false},
		{"Set-Cookie: session=" + anID[1:] + "\r\n", "x", -1, "", false},
		{"Set-Cookie: session=" + strings.ToUpper(anID) + "\r\n", "x", -1, "", false},
		{"Set-Cookie: session=" + anID[:31] + "\r\r\n", "x", -1, "", false},
		{"Set-Cookie: sessions=" + anID + "\r\n", "x", -1, "", false},
		{"Set-Cookie: a=b; session=" + anID + "\r\n", "x", -1, "", false},
		{"Set-Cookie: session=" + long + "\r\n", "x", -1, "", false},
	} {
		text := "HTTP/1.1 103 X\r\nX-Offset: 7\r\nSet-Cookie: session=" + strings.Repeat("f", 32) + "\r\n\r\n" +
			"HTTP/1.1 200 OK\r\n" + test.fields + "\r\n" + test.body
		for cut := range len(text) {
			r := response{told: &told{file: file, count: 4}}
			r.reset()
			for _, p := range []string{text[:cut], text[cut:]} {
				if n, what := r.feed([]byte(p), &expected{}); what == bad || n != len(p) {
					t.Fatalf("%q is no answer", text)
				}
			}
			id := ""
			if r.told.named {
				id = string(r.told.id[:])
			}
			if r.told.offset != test.offset || id != test.id || r.differs != test.differs || r.status != 200 {
				t.Errorf("%.60q cut at %d: offset %d, session %q, differs %v", test.fields, cut, r.told.offset, id, r.differs)
				break
			}
		}
	}
}

// Only a read that was answered has a body that is known beforehand.
func TestToldOfNoRead(t *testing.T) {
	for status, file := range map[string][]byte{"200": nil, "410": []byte("0123456789")} {
		r := response{told: &told{file: file, count: 4}}
		r.reset()
		text := "HTTP/1.1 " + status + " X\r\nX-Offset: 0\r\nContent-Length: 3\r\n\r\nno\n"
		if n, what := r.feed([]byte(text), &expected{}); what != done || n != len(text) || r.differs || r.told.want != nil {
			t.Errorf("%s: %v of %d bytes, differs %v, want %q", status, what, n, r.differs, r.told.want)
		}
	}
}

func TestValidateSessions(t *testing.T) {
	good := Config{URL: "http://h:80?wait=5ms", Connections: 4, Duration: time.Second, Check: Check{Length: -1},
		Sessions: Sessions{State: Stateful, Clients: 4, Read: corpus.Size}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(c *Config){
		`session "statefull": give stateless, soft or stateful`: func(c *Config) { c.Sessions.State = "statefull" },
		`clients and read: only clients with sessions`:          func(c *Config) { c.Sessions.State = "" },
		`clients 3: give a number from that of the conn`:        func(c *Config) { c.Sessions.Clients = 3 },
		`clients -4: give`:                      func(c *Config) { c.Sessions.Clients = -4 },
		`clients 1048577: give`:                 func(c *Config) { c.Sessions.Clients = maxClients + 1 },
		`read -1: give`:                         func(c *Config) { c.Sessions.Read = -1 },
		`read 1048577: give`:                    func(c *Config) { c.Sessions.Read++ },
		`arrivals partly: clients with`:         func(c *Config) { c.Arrivals, c.Rate, c.Visit = "partly", 5, 5 },
		`url "http://h/read": clients with`:     func(c *Config) { c.URL = "http://h/read" },
		`url "http://h/?count=5": file, offset`: func(c *Config) { c.URL = "http://h/?count=5" },
		`method and body: clients with`:         func(c *Config) { c.Method = "POST" },
		`method and body: clients with s`:       func(c *Config) { c.Body = []byte("x") },
		`check: clients with`:                   func(c *Config) { c.Check.Status = 200 },
		`crash path: clients with`:              func(c *Config) { c.Crash = "/die" },
		`header Cookie: clients with`:           func(c *Config) { c.Header = []string{"cookie: a=b"} },
		`fault after 1s: give a time within`:    func(c *Config) { c.Fault, c.FaultAfter = func() {}, time.Second },
		`step 1µs: give a time from 1ms`:        func(c *Config) { c.Step = time.Microsecond },
	} {
		c := good
		change(&c)
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
