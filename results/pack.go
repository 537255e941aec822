package results

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
)

// A packed run is the two files of its directory in a gzip'd tar, with fixed times and no owner: the same run always
// gives the same bytes. These limits hold for what is read, since a file that was mailed may be anything: so many bytes
// of each file once it is unpacked, and so many trials, each of which takes some 700 KB in memory with its histograms.
const (
	maxRunBytes    = 4 << 20
	maxTrialsBytes = 64 << 20
	maxTrials      = 2000
)

// ErrForeign says that a file is no packed run.
var ErrForeign = errors.New("is no run: name a directory that `serverlab bench` has written, or a file that " +
	"`serverlab report DIR --pack FILE.run` has")

// Pack writes a run and its trials as one file, which Read takes in place of a directory. Neither a record's host nor
// its user is in it: directories below a home are written with ~. It refuses what Read would refuse.
func Pack(w io.Writer, run Run, trials []Trial) error {
	if len(trials) > maxTrials {
		return fmt.Errorf("pack run: it has %d trials: at most %d can be packed", len(trials), maxTrials)
	}
	head, err := json.MarshalIndent(run, "", "  ")
	if err != nil {
		return fmt.Errorf("encode run: %w", err)
	}
	var body bytes.Buffer
	lines := json.NewEncoder(&body)
	for _, t := range trials {
		if err := lines.Encode(t); err != nil {
			return fmt.Errorf("encode trial: %w", err)
		}
	}
	if len(head) >= maxRunBytes || body.Len() > maxTrialsBytes {
		return fmt.Errorf("pack run: %s and %s of %d and %d bytes are more than a packed run may have (%d and %d)", runFile,
			trialsFile, len(head), body.Len(), maxRunBytes, maxTrialsBytes)
	}
	zip := gzip.NewWriter(w)
	archive := tar.NewWriter(zip)
	err = errors.Join(put(archive, runFile, withoutHomes(append(head, '\n'))),
		put(archive, trialsFile, withoutHomes(body.Bytes())), archive.Close(), zip.Close())
	if err != nil {
		return fmt.Errorf("pack run: %w", err)
	}
	return nil
}

func put(archive *tar.Writer, name string, text []byte) error {
	h := tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(text)), Format: tar.FormatUSTAR}
	if err := archive.WriteHeader(&h); err != nil {
		return err
	}
	_, err := archive.Write(text)
	return err
}

// home is a directory of a user, whose name it tells: an error's text may have it anywhere in a record. What stands
// before it is no character of base64, so it can't be found in the middle of a histogram.
var home = regexp.MustCompile(`([^A-Za-z0-9+/])(?:/[a-z]+)?/(?:home|Users)/[^/\s"'\\:;,]+`)

func withoutHomes(record []byte) []byte { return home.ReplaceAll(record, []byte("${1}~")) }

func readPacked(path string) (Run, []Trial, error) {
	f, err := os.Open(path)
	if err != nil {
		return Run{}, nil, fmt.Errorf("read run: %w", err)
	}
	defer f.Close()
	return unpack(f, path)
}

// unpack reads what Pack has written, as much of it as there is. What is not a gzip'd tar of these two files is
// ErrForeign; what is cut short, changed or beyond the limits is Damage.
func unpack(f io.Reader, path string) (Run, []Trial, error) {
	zip, err := gzip.NewReader(f)
	if err != nil {
		return Run{}, nil, fmt.Errorf("%s %w", path, ErrForeign)
	}
	archive, lines := tar.NewReader(zip), path+"/"+trialsFile
	var r recordReading
	text, err := packedFile(archive, path, runFile, maxRunBytes)
	if errors.Is(err, ErrForeign) {
		return Run{}, nil, err
	}
	if err != nil {
		r.wrong.add(err)
		return r.result(path, lines) // a tar can't be read beyond such a place
	}
	r.head(path+"/"+runFile, text)
	text, cut := packedFile(archive, path, trialsFile, maxTrialsBytes)
	err = cut
	if cut == nil {
		err = unpackEnd(archive, zip, path)
	}
	if err != nil {
		r.wrong.add(err)
	}
	if at := nthLine(text, maxTrials); at < len(text) {
		r.wrong.add(fmt.Errorf("%s:%d %w: at most %d trials are read", lines, maxTrials+1, ErrDamaged, maxTrials))
		text = text[:at]
	}
	r.lines(bytes.NewReader(text), lines)
	if cut != nil {
		r.torn = 0 // it has been named
	}
	return r.result(path, lines)
}

// unpackEnd reads what follows the last file: a few empty blocks of the tar and gzip's checksum.
func unpackEnd(archive *tar.Reader, zip io.Reader, path string) error {
	if _, err := archive.Next(); err != io.EOF {
		return fmt.Errorf("%s %w: something follows %s, or its end is cut short or changed", path, ErrDamaged, trialsFile)
	}
	if rest, err := io.Copy(io.Discard, io.LimitReader(zip, maxRunBytes)); err != nil || rest == maxRunBytes {
		return fmt.Errorf("%s %w: its end is cut short or changed", path, ErrDamaged)
	}
	return nil
}

// nthLine is where the line after the first n begins, or the length of the text.
func nthLine(text []byte, n int) (at int) {
	for range n {
		next := bytes.IndexByte(text[at:], '\n')
		if next < 0 {
			return len(text)
		}
		at += next + 1
	}
	return at
}

// packedFile reads the next file of an archive, which must have that name and at most so many bytes: as much of it as
// can be read, where the error is ErrDamaged.
func packedFile(archive *tar.Reader, path, name string, most int64) ([]byte, error) {
	h, err := archive.Next()
	switch {
	case errors.Is(err, tar.ErrHeader), err == nil && (h.Name != name || h.Typeflag != tar.TypeReg):
		return nil, fmt.Errorf("%s %w", path, ErrForeign)
	case err == io.EOF && name == runFile:
		return nil, fmt.Errorf("%s %w", path, ErrForeign)
	case err != nil:
		return nil, fmt.Errorf("%s %w: it is cut short or changed before %s: %w", path, ErrDamaged, name, err)
	case h.Size > most:
		return nil, fmt.Errorf("%s %w: its %s has %d bytes; at most %d are read", path, ErrDamaged, name, h.Size, most)
	}
	text, err := io.ReadAll(archive)
	if err != nil {
		return text, fmt.Errorf("%s/%s:%d %w: it is cut short or changed: %w", path, name, 1+bytes.Count(text, []byte("\n")),
			ErrDamaged, err)
	}
	return text, nil
}
