//go:build linux

package servers

import (
	"context"
	"errors"

	"github.com/valyala/fasthttp"
)

func apachePrefork(context.Context, Config, fasthttp.RequestHandler) error { return errors.New("soon") }
func apacheWorker(context.Context, Config, fasthttp.RequestHandler) error  { return errors.New("soon") }
func apacheEvent(context.Context, Config, fasthttp.RequestHandler) error   { return errors.New("soon") }

func needsApache() error { return nil }
