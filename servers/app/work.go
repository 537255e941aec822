package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// The most work that one request can ask for.
const (
	MaxSleep     = 10 * time.Second // of wait and of block, each
	MaxSpin      = 100_000          // rounds of SHA-256
	MaxSpinBytes = 64 << 20         // rounds times the length of the answer
)

// work is what a request asks for beside its answer.
type work struct {
	wait, block time.Duration
	spin        int
}

var workTakes = []string{"wait", "block", "spin"}

// parseWork reads the parameters that any route takes. A parameter that neither it nor the path p takes is an error:
// "wiat=5ms" must not be measured as a request that waits.
func parseWork(args *fasthttp.Args, p *path) (w work, err error) {
	for key, value := range args.All() {
		switch {
		case slices.Contains(p.takes, string(key)):
		case bytes.Equal(key, []byte("wait")):
			w.wait, err = sleepTime("wait", string(value))
		case bytes.Equal(key, []byte("block")):
			w.block, err = sleepTime("block", string(value))
		case bytes.Equal(key, []byte("spin")):
			w.spin, err = strconv.Atoi(string(value))
			if err != nil || w.spin < 0 || w.spin > MaxSpin {
				err = fmt.Errorf("spin=%.20q: give a whole number of rounds from 0 to %d", value, MaxSpin)
			}
		default:
			err = fmt.Errorf("unknown parameter %.20q: this path takes %s%s", key,
				strings.Join(slices.Concat(p.takes, workTakes), ", "), p.hint)
		}
		if err != nil {
			return work{}, err
		}
	}
	return w, nil
}

func sleepTime(name, value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 || d > MaxSleep {
		return 0, fmt.Errorf("%s=%.20q: give a time from 0 to %v, such as 5ms", name, value, MaxSleep)
	}
	return d, nil
}

// MayBlock tells whether answering a request may have to wait: for its wait, its block, or a disk. Who computes (spin)
// waits for nothing. A server that asks needs no answer that is exact, but one that is quick and never no in vain: only
// the fixed text is known to be at hand.
func MayBlock(ctx *fasthttp.RequestCtx) bool {
	if string(ctx.Path()) != "/" {
		return true
	}
	if len(ctx.URI().QueryString()) == 0 {
		return false
	}
	return ctx.QueryArgs().Has("wait") || ctx.QueryArgs().Has("block")
}

func (w work) before() {
	if w.wait > 0 {
		time.Sleep(w.wait) // parks the goroutine: the thread is free for others
	}
	if w.block > 0 {
		blockInKernel(w.block) // keeps the thread: nobody else can use it
	}
}

// after computes the digest over the finished answer: round i hashes the digest of round i-1 followed by the body, so
// that no round can be skipped.
func (w work) after(r *fasthttp.Response) error {
	if w.spin == 0 {
		return nil
	}
	body := r.Body()
	if w.spin*len(body) > MaxSpinBytes {
		return fmt.Errorf("spin=%d over %d bytes is too much work: at most %d rounds for this answer",
			w.spin, len(body), MaxSpinBytes/len(body))
	}
	h := sha256.New()
	var digest []byte
	for range w.spin {
		h.Reset()
		h.Write(digest)
		h.Write(body)
		digest = h.Sum(digest[:0])
	}
	r.Header.Set(SpinHeader, hex.EncodeToString(digest))
	return nil
}
