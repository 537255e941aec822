package loadgen

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"serverlab/internal/corpus"
)

// MatchMost is how much of a body a regular expression is held against, in bytes. A longer body is wrong: nobody has
// looked at all of it.
const MatchMost = 256 << 10

// Check is what an answer must be in order to be right. The zero value asks for an empty 2xx answer. An answer with
// several faults counts as one error, of the first kind among status, length and body.
type Check struct {
	Status   int            // 0: any 2xx
	Statuses []int          // in place of Status, if there are any: 204 is that status, 3 any from 300 to 399
	Length   int64          // of the body in bytes, as received (0 for HEAD); -1: any
	Body     []byte         // nil: any; compared byte by byte as it arrives
	SHA256   []byte         // of the body, 32 bytes; nil: any
	Regexp   *regexp.Regexp // must match in the body, of at most MatchMost bytes; nil: any
	File     bool           // the body must be what the file service answers to the URL: /read?file=F&offset=O&count=N
}

// Set sets what a check of the command line says: "status" a list such as "200,3xx", "length" a number of bytes, "body"
// a text, "sha256" a sum in hexadecimal, "regexp" an expression in Go's syntax, "file" nothing. A check that says that
// any answer is right is Check{Length: -1}. What was set before can't be set again.
func (c *Check) Set(name, value string) (err error) {
	again := false
	switch name {
	case "status":
		again = c.Statuses != nil
		c.Statuses, err = statuses(value)
	case "length":
		again = c.Length >= 0
		c.Length, err = strconv.ParseInt(value, 10, 64)
		if err != nil || c.Length < 0 {
			err = errors.New("give a number of bytes")
		}
	case "body":
		again = c.Body != nil
		c.Body = append([]byte{}, value...) // an empty text is expected, which is not the same as any
	case "sha256":
		again = c.SHA256 != nil
		if c.SHA256, err = hex.DecodeString(value); err != nil || len(c.SHA256) != sha256.Size {
			err = errors.New("give 64 hexadecimal digits, as sha256sum prints them")
		}
	case "regexp":
		again = c.Regexp != nil
		c.Regexp, err = regexp.Compile(value)
	case "file":
		again, c.File = c.File, true
		if value != "" {
			err = errors.New("it takes no value: the URL says which file")
		}
	default:
		return fmt.Errorf("check %q: give status=LIST, length=N, body=TEXT, sha256=HEX, regexp=RE or file", name)
	}
	if err == nil && again {
		err = errors.New("it is given twice")
	}
	if err != nil {
		return fmt.Errorf("check %s %.60q: %w", name, value, err)
	}
	return nil
}

// statuses reads a list such as "200,204,3xx".
func statuses(list string) (all []int, err error) {
	for item := range strings.SplitSeq(list, ",") {
		item = strings.TrimSpace(item)
		digits, class := strings.CutSuffix(strings.ToLower(item), "xx")
		n, err := strconv.Atoi(digits)
		if err != nil || class != (n < 10) || !goodStatus(n) {
			return nil, fmt.Errorf("%q is neither a final status such as 200 nor a class such as 3xx", item)
		}
		all = append(all, n)
	}
	return all, nil
}

// goodStatus reports whether n is a status that can end an answer, or the first digit of such.
func goodStatus(n int) bool { return n >= 2 && n <= 9 || n >= 200 && n <= 999 }

// validate reports the first wrong setting.
func (c *Check) validate(u *url.URL) error {
	for _, s := range c.Statuses {
		if !goodStatus(s) {
			return fmt.Errorf("expected status %d: give a final status from 200, or the first digit of several", s)
		}
	}
	switch {
	case c.Status != 0 && (c.Status < 200 || c.Status > 999):
		return fmt.Errorf("expected status %d: give a final status from 200, or 0 for any 2xx", c.Status)
	case c.Length < -1:
		return fmt.Errorf("expected length %d: give a number of bytes, or -1 for any", c.Length)
	case c.Body != nil && c.Length >= 0 && c.Length != int64(len(c.Body)):
		return fmt.Errorf("expected length %d: the expected body has %d bytes", c.Length, len(c.Body))
	case c.SHA256 != nil && len(c.SHA256) != sha256.Size:
		return fmt.Errorf("expected SHA-256 of %d bytes: it has %d", len(c.SHA256), sha256.Size)
	case c.File && c.Body != nil:
		return errors.New("expected body: the file's content is expected already")
	case c.File:
		body, err := fileBody(u)
		if err == nil && c.Length >= 0 && c.Length != int64(len(body)) {
			err = fmt.Errorf("expected length %d: that part of the file has %d bytes", c.Length, len(body))
		}
		return err
	}
	return nil
}

// fileBody is what the file service must answer to u. Every byte of its files is a function of the file's name and the
// byte's place, so nobody needs the files.
func fileBody(u *url.URL) ([]byte, error) {
	q := u.Query()
	known := false
	for i := range corpus.Files {
		known = known || q.Get("file") == corpus.Name(i)
	}
	offset, wrongOffset := strconv.ParseInt(q.Get("offset"), 10, 64)
	count, wrongCount := strconv.ParseInt(q.Get("count"), 10, 64)
	switch {
	case u.Path != "/read" || !known:
		return nil, fmt.Errorf("file: the URL must be of the file service: /read?file=F&offset=O&count=N, "+
			"F from %s to %s", corpus.Name(0), corpus.Name(corpus.Files-1))
	case wrongOffset != nil || offset < 0 || wrongCount != nil || count < 0:
		return nil, fmt.Errorf("file: the URL's offset=%.20q and count=%.20q must be whole numbers from 0",
			q.Get("offset"), q.Get("count"))
	}
	body := make([]byte, min(count, max(0, corpus.Size-offset)))
	corpus.At(q.Get("file"), offset, body)
	return body, nil
}

// expected is a Check as the threads hold it against answers.
type expected struct {
	status [1000]bool
	length int64 // -1: any
	body   []byte
	sum    *[sha256.Size]byte
	re     *regexp.Regexp
}

// expect prepares c, which is valid, for the answers to u.
func (c *Check) expect(u *url.URL) *expected {
	e := &expected{length: c.Length, body: c.Body, re: c.Regexp}
	list := c.Statuses
	if list == nil {
		list = []int{max(2, c.Status)}
	}
	for _, s := range list {
		for n := range e.status {
			e.status[n] = e.status[n] || n == s || n/100 == s
		}
	}
	if c.SHA256 != nil {
		sum := [sha256.Size]byte(c.SHA256)
		e.sum = &sum
	}
	if c.File {
		e.body, _ = fileBody(u) // can't fail: the check is valid
	}
	return e
}

// look takes the next bytes of a body; all tells that they are the whole of it. What needs a body as a whole is looked
// at where it lies, if it came in one piece, else kept and looked at in the end.
func (r *response) look(p []byte, e *expected, all bool) {
	from := r.body
	r.body += int64(len(p))
	want := e.body
	if r.told != nil {
		want = r.told.want
	}
	if want != nil && from < int64(len(want)) && !r.differs {
		// Bytes beyond are a wrong length, which is found at the end.
		part := want[from:min(r.body, int64(len(want)))]
		r.differs = !bytes.Equal(p[:len(part)], part)
	}
	switch {
	case e.sum == nil && e.re == nil, len(p) == 0:
		return
	case e.re != nil && r.body > MatchMost:
		r.differs = true
	case all && from == 0:
		r.settled = true
		r.differs = r.differs || e.sum != nil && sha256.Sum256(p) != *e.sum || e.re != nil && !e.re.Match(p)
	case !r.differs:
		r.keep(p, e, from == 0)
	}
}

// keep keeps what the next bytes of a body, or the first ones, contribute to the check at its end.
func (r *response) keep(p []byte, e *expected, first bool) {
	k := r.memory()
	if first {
		k.text = k.text[:0]
	}
	if e.sum != nil {
		switch {
		case k.hash == nil:
			k.hash = sha256.New()
		case first:
			k.hash.Reset()
		}
		k.hash.Write(p)
	}
	if e.re != nil {
		k.text = append(k.text, p...)
	}
}

// settle holds a body that came in pieces, or none, against what is expected of the whole.
func (r *response) settle(e *expected) {
	if r.settled || r.differs || e.sum == nil && e.re == nil {
		return
	}
	r.settled = true
	if r.body == 0 {
		r.differs = e.sum != nil && sha256.Sum256(nil) != *e.sum || e.re != nil && !e.re.Match(nil)
		return
	}
	k := r.kept
	r.differs = e.sum != nil && [sha256.Size]byte(k.hash.Sum(k.sum[:0])) != *e.sum || e.re != nil && !e.re.Match(k.text)
}
