package http1_test

import (
	"bufio"
	"bytes"
	"fmt"

	"github.com/valyala/fasthttp"

	"serverlab/servers/http1"
)

// What a front end does for a connection: read, Feed, write. Here the two "reads" cut the second request in two.
func ExampleSession_Feed() {
	name := func(ctx *fasthttp.RequestCtx) { ctx.SetBody(ctx.Path()) }
	s := http1.NewSession(name, http1.DefaultLimits())
	for _, read := range []string{
		"GET /first HTTP/1.1\r\nHost: lab\r\n\r\nGET /sec",
		"ond HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n",
	} {
		out, more, closing := s.Feed(nil, []byte(read))
		var resp fasthttp.Response
		if err := resp.Read(bufio.NewReader(bytes.NewReader(out))); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d %s more=%v closing=%v\n", resp.StatusCode(), resp.Body(), more, closing)
	}
	// Output:
	// 200 /first more=false closing=false
	// 200 /second more=false closing=true
}
