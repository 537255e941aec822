package http1

import (
	"strings"
	"testing"
)

const continueLine = "HTTP/1.1 100 Continue\r\n\r\n"

// post is a request to /echo with these header lines and this body.
func post(body string, lines ...string) string {
	return "POST /echo HTTP/1.1\r\nHost: h\r\n" + strings.Join(append(lines, "", body), "\r\n")
}

// get is a request without a body.
func get(path string, lines ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: h\r\n" + strings.Join(append(lines, "", ""), "\r\n")
}

func TestRequests(t *testing.T) {
	ok := answer(200, string(hello))
	okClose := answer(200, string(hello), saysClose)
	headOf := func(a string) string { return a[:strings.Index(a, "\r\n\r\n")+4] }
	emptyClosed := "HTTP/1.1 %s\r\nServer: serverlab\r\nDate: -\r\n%s\r\n"
	empty := func(status, more string) string {
		return strings.Replace(strings.Replace(emptyClosed, "%s", status, 1), "%s", more, 1)
	}
	chunked := "Transfer-Encoding: chunked"
	expect := "Expect: 100-continue"
	malformed := refusal(400, "malformed request header")
	for _, tc := range []struct {
		name, in, want string
		closing        bool
	}{
		{"nothing", "", "", false},
		{"get", get("/"), ok, false},
		{"incomplete", "GET / HTTP/1.1\r\nHost: h\r\n", "", false},
		{"pipelined", get("/") + get("/echo") + get("/"), ok + answer(200, `GET /echo ""`) + ok, false},
		{"not found", get("/nothing"), answer(404, "no such path"), false},
		{"query", get("/echo?a=b"), answer(200, `GET /echo?a=b ""`), false},
		{"absolute target", get("http://other/echo"), answer(200, `GET http://other/echo ""`), false},
		{"empty path", get("http://other?a"), ok, false},
		{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", answer(404, "no such path"), false},
		{"unknown method", "BREW /echo HTTP/1.1\r\nHost: h\r\n\r\n", answer(200, `BREW /echo ""`), false},
		{"empty line before", "\r\n" + get("/") + "\r\n" + get("/"), ok + ok, false},
		{"empty lines before", "\r\n\r\n" + get("/"), refusal(400, "empty request line"), true},

		{"close", get("/", saysClose) + get("/"), okClose, true},
		{"close in a list", get("/", "connection: Keep-Alive , CLOSE"), okClose, true},
		{"close in two headers", get("/", saysClose, "Connection: x"), okClose, true},
		{"handler closes", get("/close") + get("/"), answer(200, "bye", saysClose), true},
		{"http/1.0", "GET / HTTP/1.0\r\n\r\n" + get("/"), okClose, true},
		{"http/1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n" + get("/"),
			answer(200, string(hello), "Connection: keep-alive") + ok, false},
		{"http/1.0 both", "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", okClose, true},
		{"http/1.0 stream", "GET /stream HTTP/1.0\r\n\r\n", answer(200, "streamed", saysClose), true},
		{"http/1.0 broken stream", "GET /broken HTTP/1.0\r\n\r\n", refusal(500, "the handler failed"), true},
		{"http/1.0 expects", "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
			answer(200, `POST /echo "x"`, saysClose), true},
		{"http/1.0 expects nonsense", "GET / HTTP/1.0\r\nExpect: x\r\n\r\n", okClose, true},
		{"http/1.0 chunked", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", malformed, true},

		{"head", "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + get("/"), headOf(ok) + ok, false},
		{"head empty", "HEAD /empty HTTP/1.1\r\nHost: h\r\n\r\n" + get("/empty"),
			empty("200 OK", "Content-Length: 0\r\n") + empty("200 OK", "Content-Length: 0\r\n"), false},
		{"head length", "HEAD /length HTTP/1.1\r\nHost: h\r\n\r\n",
			strings.Replace(headOf(ok), "13", "42", 1), false},
		{"head stream", "HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n" + get("/"),
			strings.Replace(headOf(ok), "Content-Length: 13", chunked, 1) + ok, false},
		{"head sized", "HEAD /sized HTTP/1.1\r\nHost: h\r\n\r\n" + get("/"),
			strings.Replace(headOf(ok), "13", "8", 1) + ok, false},
		{"head fails", "HEAD /panic HTTP/1.1\r\nHost: h\r\n\r\n", headOf(refusal(500, "the handler failed")), true},

		{"body", post("abc", "Content-Length: 3") + get("/"), answer(200, `POST /echo "abc"`) + ok, false},
		{"empty body", post("", "Content-Length: 0") + get("/"), answer(200, `POST /echo ""`) + ok, false},
		{"no body", post("") + get("/"), answer(200, `POST /echo ""`) + ok, false},
		{"get with body", get("/echo", "Content-Length: 3") + "abc" + get("/"),
			answer(200, `GET /echo "abc"`) + ok, false},
		{"body like a request", post(get("/"), "Content-Length: 27"),
			answer(200, `POST /echo "GET / HTTP/1.1\r\nHost: h\r\n\r\n"`), false},
		{"incomplete body", post("ab", "Content-Length: 3"), "", false},
		{"multipart", post("not parsed", "Content-Type: multipart/form-data; boundary=b", "Content-Length: 10"),
			answer(200, `POST /echo "not parsed"`), false},
		{"same length twice", post("abc", "Content-Length: 3", "Content-Length: 3"), malformed, true},
		{"two lengths", post("abc", "Content-Length: 3", "Content-Length: 4"), malformed, true},
		{"list of lengths", post("abc", "Content-Length: 3, 3"), malformed, true},
		{"negative length", post("abc", "Content-Length: -3"), malformed, true},
		{"signed length", post("abc", "Content-Length: +3"), malformed, true},
		{"hexadecimal length", post("abc", "Content-Length: 0x3"), malformed, true},
		{"no length", post("abc", "Content-Length:"), malformed, true},
		{"endless length", post("abc", "Content-Length: 99999999999999999999999999"), malformed, true},

		{"chunked", post("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", chunked) + get("/"),
			answer(200, `POST /echo "abc0123456789"`) + ok, false},
		{"chunked nothing", post("0\r\n\r\n", "transfer-encoding:CHUNKED"), answer(200, `POST /echo ""`), false},
		{"chunk extension", post("3;a=b;c=\"d e\"\r\nabc\r\n00 ;x\r\n\r\n", chunked),
			answer(200, `POST /echo "abc"`), false},
		{"chunk size padded", post("003  \r\nabc\r\n0\r\n\r\n", chunked), answer(200, `POST /echo "abc"`), false},
		{"trailer", "POST /trailer HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
			"3\r\nabc\r\n0\r\nX-Sum: 9\r\nX-Other: 1\r\n\r\n" + get("/"), answer(200, `"abc" "9"`) + ok, false},
		{"forbidden trailer", post("0\r\nContent-Length: 5\r\n\r\n", chunked),
			refusal(400, "malformed request trailer"), true},
		{"malformed trailer", post("0\r\nX y: 5\r\n\r\n", chunked), refusal(400, "malformed trailer line"), true},
		{"folded trailer", post("0\r\nX: 5\r\n 6\r\n\r\n", chunked), refusal(400, "malformed trailer line"), true},
		{"chunk without size", post("\r\nabc\r\n", chunked), refusal(400, "malformed chunk size line"), true},
		{"negative chunk", post("-1\r\n", chunked), refusal(400, "malformed chunk size line"), true},
		{"hexadecimal chunk", post("0x3\r\nabc\r\n", chunked), refusal(400, "malformed chunk size line"), true},
		{"chunk size with words", post("3 4\r\nabc\r\n", chunked), refusal(400, "malformed chunk size line"), true},
		{"NUL in chunk extension", post("3;\x00\r\nabc\r\n", chunked), refusal(400, "malformed chunk size line"), true},
		{"long chunk", post("3\r\nabcd\r\n", chunked), refusal(400, "a chunk is longer than its size"), true},
		{"chunk ends in LF", post("3\r\nabc\n0\r\n\r\n", chunked), refusal(400, badLine), true},
		{"chunk size ends in LF", post("3\nabc\r\n0\r\n\r\n", chunked), refusal(400, badLine), true},
		{"CR in chunk extension", post("3;\r\r\nabc\r\n0\r\n\r\n", chunked), refusal(400, badLine), true},

		{"length and chunked", post("0\r\n\r\n", "Content-Length: 5", chunked),
			refusal(400, "both Content-Length and Transfer-Encoding"), true},
		{"gzip", post("", "Transfer-Encoding: gzip"), refusal(501, badEncoding), true},
		{"identity", post("", "Transfer-Encoding: identity"),
			refusal(501, badEncoding), true},
		{"gzip, chunked", post("", "Transfer-Encoding: gzip, chunked"),
			refusal(501, badEncoding), true},
		{"chunked twice", post("0\r\n\r\n", chunked, chunked), malformed, true},
		{"gzip and chunked", post("0\r\n\r\n", "Transfer-Encoding: gzip", chunked), malformed, true},
		{"quoted chunked", post("0\r\n\r\n", "Transfer-Encoding: \"chunked\""),
			refusal(501, badEncoding), true},
		{"vertical tab chunked", post("0\r\n\r\n", "Transfer-Encoding: \vchunked"),
			refusal(501, badEncoding), true},

		{"expect", post("abc", expect, "Content-Length: 3") + get("/"),
			continueLine + answer(200, `POST /echo "abc"`) + ok, false},
		{"expect and no body yet", post("", expect, "Content-Length: 3"), continueLine, false},
		{"expect chunked", post("3\r\nabc\r\n0\r\n\r\n", "Expect: 100-Continue", chunked),
			continueLine + answer(200, `POST /echo "abc"`), false},
		{"expect without a body", get("/", expect), continueLine + ok, false},
		{"expect too much", post("", expect, "Content-Length: 9999999"), refusal(413, "request body too large"), true},
		{"expect nonsense", post("", "Expect: tea", "Content-Length: 3"),
			refusal(417, "the only known expectation is 100-continue"), true},

		{"empty header", "\r\n\r\n", refusal(400, "empty request line"), true},
		{"garbage", "\x16\x03\x01\x02\x00\r\n", refusal(400, badRequest), true},
		{"http/0.9", "GET /\r\n", refusal(400, badRequest), true},
		{"http/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", refusal(505, badVersion), true},
		{"http/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", refusal(505, badVersion), true},
		{"lower-case version", "GET / http/1.1\r\nHost: h\r\n\r\n", refusal(400, badRequest), true},
		{"no target", "GET HTTP/1.1\r\nHost: h\r\n\r\n", malformed, true},
		{"empty target", "GET  HTTP/1.1\r\nHost: h\r\n\r\n", malformed, true},
		{"blank in target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", malformed, true},
		{"relative target", "GET a HTTP/1.1\r\nHost: h\r\n\r\n", malformed, true},
		{"blank before method", " GET / HTTP/1.1\r\nHost: h\r\n\r\n", malformed, true},
		{"tab in request line", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", malformed, true},
		{"NUL in target", "GET /\x00 HTTP/1.1\r\nHost: h\r\n\r\n", malformed, true},
		{"no host", "GET / HTTP/1.1\r\n\r\n", refusal(400, "the Host header is missing"), true},
		{"two hosts", get("/", "Host: h"), malformed, true},
		{"malformed host", "GET / HTTP/1.1\r\nHost: [\r\n\r\n", refusal(400, "malformed request target or Host"), true},
		{"NUL in value", get("/", "X: a\x00b"), malformed, true},
		{"NUL in name", get("/", "X\x00: a"), refusal(400, "malformed header line"), true},
		{"no colon", get("/", "X"), refusal(400, "malformed header line"), true},
		{"no name", get("/", ": x"), refusal(400, "malformed header line"), true},
		{"blank before colon", post("", "Content-Length : 3"), refusal(400, "malformed header line"), true},
		{"blank in name", get("/", "X Y: a"), refusal(400, "malformed header line"), true},
		{"folded line", get("/", "X: a", " b"), refusal(400, "malformed header line"), true},
		{"folded line with tab", get("/", "X: a", "\tb"), refusal(400, "malformed header line"), true},
		{"folded first line", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", refusal(400, "malformed header line"), true},
		{"bare LF", "GET / HTTP/1.1\nHost: h\n\n", refusal(400, badLine), true},
		{"bare LF at the end", "GET / HTTP/1.1\r\nHost: h\r\n\n", refusal(400, badLine), true},
		{"bare CR", get("/", "X: a\rb"), refusal(400, badLine), true},
		{"two CR", "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n", refusal(400, badLine), true},
		{"bad request in a pipeline", get("/") + "GET\r\n" + get("/"), ok + refusal(400, badRequest), true},

		{"stream", get("/stream") + get("/"),
			strings.Replace(headOf(ok), "Content-Length: 13", chunked, 1) + "8\r\nstreamed\r\n0\r\n\r\n" + ok, false},
		{"sized stream", get("/sized"), answer(200, "streamed"), false},
		{"limited stream", get("/limited"), answer(200, "streamed"), false},
		{"short stream", get("/") + get("/short") + get("/"), ok + refusal(500, "the handler failed"), true},
		{"broken stream", get("/broken"), refusal(500, "the handler failed"), true},
		{"stream panics", get("/streampanic"), refusal(500, "the handler failed"), true},
		{"panic", get("/") + get("/panic") + get("/"), ok + refusal(500, "the handler failed"), true},
		{"panic with stream", get("/panicstream"), refusal(500, "the handler failed"), true},
		{"no content", get("/204") + get("/"), empty("204 No Content", "") + ok, false},
		{"no content stream", get("/204stream") + get("/"), empty("204 No Content", "") + ok, false},
		{"not modified", get("/304") + get("/"), empty("304 Not Modified", "") + ok, false},
		{"skipped body", get("/skip") + get("/"), empty("200 OK", "Content-Length: 0\r\n") + ok, false},
		{"skipped stream", get("/skipstream") + get("/"), empty("200 OK", "Content-Length: 0\r\n") + ok, false},
		{"hijack", get("/hijack"), refusal(500, "the handler failed"), true},
		{"late handler", get("/late") + get("/"), answer(408, "too late") + ok, false},
		{"usable context", get("/usable") + get("/usable"), strings.Repeat(
			answer(200, "0.0.0.0:0 0.0.0.0:0 false <nil>"), 2), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			half := len(tc.in) / 2
			for _, pieces := range [][]string{{tc.in}, bytewise(tc.in), {tc.in[:half], tc.in[half:]}} {
				s := NewSession(everything, Limits{})
				got, closing := feed(s, pieces...)
				if got != tc.want || closing != tc.closing {
					t.Fatalf("in %d pieces:\ngot  %q, closing %v\nwant %q, closing %v",
						len(pieces), got, closing, tc.want, tc.closing)
				}
				if again, end := feed(s, get("/")); closing && (again != "" || !end) {
					t.Fatalf("after the end: got %q, closing %v", again, end)
				}
			}
		})
	}
}

const (
	badLine     = "a line does not end in CRLF, or a CR stands within it"
	badRequest  = "malformed request line"
	badEncoding = "the only known Transfer-Encoding is chunked"
	badVersion  = "only HTTP/1.1 and HTTP/1.0 are spoken here"
)
