package loadgen

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestValidate(t *testing.T) {
	good := Config{URL: "http://[::1]:8080/a?b=c", Connections: 64, Duration: time.Second, CPUs: []int{1}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(c *Config){
		`url "https://x/": only http`:           func(c *Config) { c.URL = "https://x/" },
		`url "localhost:80": only http`:         func(c *Config) { c.URL = "localhost:80" },
		`url "http:///a": it names no host`:     func(c *Config) { c.URL = "http:///a" },
		`url "http://h:99999/": port 99999`:     func(c *Config) { c.URL = "http://h:99999/" },
		`url "http://u:xxxxx@h/": user`:         func(c *Config) { c.URL = "http://u:p@h/" },
		`connections 0: give`:                   func(c *Config) { c.Connections = 0 },
		`threads 65: more than the 64`:          func(c *Config) { c.Threads = 65 },
		`silent -1: give`:                       func(c *Config) { c.Silent = -1 },
		`duration 0s: give`:                     func(c *Config) { c.Duration = 0 },
		`warmup -1s: give`:                      func(c *Config) { c.Warmup = -time.Second },
		`timeout -1s: give`:                     func(c *Config) { c.Timeout = -time.Second },
		`spin 1m0s: give`:                       func(c *Config) { c.Spin = time.Minute },
		`rate NaN: give`:                        func(c *Config) { c.Rate = math.NaN() },
		`rate -1: give`:                         func(c *Config) { c.Rate = -1 },
		`arrivals "uniform": give`:              func(c *Config) { c.Arrivals = "uniform" },
		`arrivals partly: give a rate`:          func(c *Config) { c.Arrivals, c.Visit = "partly", 5 },
		`visit 0.5: give`:                       func(c *Config) { c.Arrivals, c.Rate, c.Visit = "partly", 9, 0.5 },
		`visit NaN: give`:                       func(c *Config) { c.Rate, c.Arrivals, c.Visit = 9, "partly", math.NaN() },
		`visit 5: only clients of a partly`:     func(c *Config) { c.Rate, c.Visit = 9, 5 },
		`think -1s: give`:                       func(c *Config) { c.Think.Mean = -time.Second },
		`think 1s: only clients of a closed or`: func(c *Config) { c.Rate, c.Think.Mean = 9, time.Second },
		`think exponential:1s: only clients`:    func(c *Config) { c.Rate, c.Think = 9, Think{time.Second, true} },
		`rate 5: the mean of 1..3 is 2`:         func(c *Config) { c.Rate, c.Profile = 5, Profile{{1, 3}} },
		`rate 0,0: one of them must be above`:   func(c *Config) { c.Profile = Profile{{0, 0}, {0, 0}} },
		`rate -1: give requests per`:            func(c *Config) { c.Profile = Profile{{1, 2}, {-1, 3}} },
		`rate: 1001 steps are more`:             func(c *Config) { c.Profile = make(Profile, 1001) },
		`check: expected status 100: give`:      func(c *Config) { c.Check.Status = 100 },
		`check: expected length -2: give`:       func(c *Config) { c.Check.Length = -2 },
		`check: expected length 3: the expect`:  func(c *Config) { c.Check = Check{Length: 3, Body: []byte("hello")} },
		`crash path "die": it must`:             func(c *Config) { c.Crash = "die" },
		`crash after 1s: give a time within`:    func(c *Config) { c.Crash, c.CrashAfter = "/die", time.Second },
		`cpus -1: give`:                         func(c *Config) { c.CPUs = []int{-1} },
		`method "GET /": it must be one word`:   func(c *Config) { c.Method = "GET /" },
		`method CONNECT: it opens a tunnel`:     func(c *Config) { c.Method = "CONNECT" },
		`header "A": give it as`:                func(c *Config) { c.Header = []string{"A"} },
		`header "A: b\r\nC: d": give it as`:     func(c *Config) { c.Header = []string{"A: b\r\nC: d"} },
		`header "Connection: close": Conn`:      func(c *Config) { c.Header = []string{"Connection: close"} },
	} {
		c := good
		change(&c)
		err := c.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %q, want %q", err, want)
		}
	}
}

func TestRequestText(t *testing.T) {
	c := Config{URL: "http://h:81/a%20b?c=d#e", Method: "POST", Header: []string{"X: y"}, Body: []byte("hi")}
	u, err := c.target()
	if err != nil {
		t.Fatal(err)
	}
	want := "POST /a%20b?c=d HTTP/1.1\r\nHost: h:81\r\nX: y\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"
	if got := string(c.request(u, u.RequestURI())); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	c = Config{URL: "http://h", Method: "GET", Header: []string{"host: other"}, KeepAlive: true}
	if u, err = c.target(); err != nil {
		t.Fatal(err)
	}
	if got, want := string(c.request(u, u.RequestURI())), "GET / HTTP/1.1\r\nhost: other\r\n\r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
