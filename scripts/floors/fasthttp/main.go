// The plain server of fasthttp around the same handler: no time-outs, no limit of connections, no counters. A yardstick
// for scripts/versus.sh; the row fasthttp of serverlab has the policy of all other rows.
package main

import (
	"log"
	"os"

	"github.com/valyala/fasthttp"

	"serverlab/servers/app"
)

func main() {
	server := &fasthttp.Server{Handler: app.New(app.Options{}), Name: "serverlab"}
	log.Fatal(server.ListenAndServe("127.0.0.1:" + os.Args[1]))
}
