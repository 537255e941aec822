package main
import "context"
func bench(ctx context.Context, c *call) error { return nil }
func load(ctx context.Context, c *call) error { return nil }
func check(ctx context.Context, c *call) error { return nil }
func report(ctx context.Context, c *call) error { return nil }
func explain(ctx context.Context, c *call) error { return nil }
