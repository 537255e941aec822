//go:build linux

package conformance

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"

	"serverlab/internal/corpus"
)

var fileProperties = []Property{
	{Name: "file-service", Asks: "ranges of files, up to all of it, are the very bytes that the files have",
		check: fileService},
}

// fileService reads around the sizes at which buffers end, of a socket, a session or a pipe, all on one connection. What
// is right is computed from the definition of the files, not by the handler.
func fileService(p *probe) error {
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	c, err := t.open()
	if err != nil {
		return err
	}
	defer c.Close()
	answers := bufio.NewReader(c)
	for i, count := range []int{1, 4095, 4096, 4097, 16<<10 + 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 200_000, corpus.Size} {
		file, offset := corpus.Name(i%corpus.Files), i*997
		if err := c.send(head(fmt.Sprintf("GET /read?file=%s&offset=%d&count=%d", file, offset, count))); err != nil {
			return err
		}
		want := make([]byte, min(count, corpus.Size-offset))
		corpus.At(file, int64(offset), want)
		if err := fileAnswer(answers, offset, want); err != nil {
			return fmt.Errorf("%d bytes of %s from %d on: %w", count, file, offset, err)
		}
	}
	return t.ask(c, hello)
}

func fileAnswer(r *bufio.Reader, offset int, want []byte) error {
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if at := answer.Header.Get("X-Offset"); answer.StatusCode != 200 || at != fmt.Sprint(offset) {
		return fmt.Errorf("status %d, X-Offset %q", answer.StatusCode, at)
	}
	if len(body) != len(want) {
		return fmt.Errorf("%d bytes came", len(body))
	}
	if !bytes.Equal(body, want) {
		i := 0
		for body[i] == want[i] {
			i++
		}
		return fmt.Errorf("byte %d is %#x, want %#x", i, body[i], want[i])
	}
	return nil
}
