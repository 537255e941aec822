package main

import (
	"time"

	"github.com/spf13/pflag"

	"serverlab/loadgen"
)

// clientFlags say when a load's clients send.
type clientFlags struct {
	rate, arrivals, think string
	visit                 float64
	seed                  uint64
	spin                  time.Duration
}

func (f *clientFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.rate, "rate", "0", "`RATE` in requests per second, whatever the server does (0: closed loop); "+
		"1000..5000 is a ramp over the measured time, 1000,2000,4000 are steps of it")
	fs.StringVar(&f.arrivals, "arrivals", "poisson", "at that rate: poisson, constant, or partly "+
		"(open: a Poisson stream of clients, each of which makes some requests and leaves)")
	fs.Float64Var(&f.visit, "visit", 5, "requests of such a client, the mean of a geometric distribution")
	fs.StringVar(&f.think, "think", "0s", "`time` between an answer and the client's next request in a closed or "+
		"partly open load; exponential:10ms is random, of that mean")
	fs.Uint64Var(&f.seed, "seed", 1, "of what is random: the same seed gives the same clients")
	fs.DurationVar(&f.spin, "spin", 50*time.Microsecond, "longest busy wait before a request that is due (0s: none)")
}

// apply puts the flags into cfg.
func (f *clientFlags) apply(c *call, cfg *loadgen.Config) error {
	rate, err := loadgen.ParseProfile(f.rate)
	if err != nil {
		return usagef("--%w", err)
	}
	if cfg.Think, err = loadgen.ParseThink(f.think); err != nil {
		return usagef("--%w", err)
	}
	cfg.Rate, cfg.Seed, cfg.Arrivals = rate.Mean(), f.seed, f.arrivals
	if len(rate) > 1 || !rate.Steady() {
		cfg.Profile = rate
	}
	if f.arrivals == "partly" || c.flags.Changed("visit") {
		cfg.Visit = f.visit
	}
	if cfg.Rate > 0 || cfg.Think.Mean > 0 {
		cfg.Spin = f.spin
	}
	if c.flags.Changed("arrivals") && cfg.Rate == 0 {
		return usagef("--arrivals needs a --rate")
	}
	return nil
}
