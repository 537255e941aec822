package results

// The figures of a curve block by block, so that rows can be compared as in a column: each from the trials of that block
// that count. A block without a figure is missing.

// blockPeaks are the highest goodputs, right answers per second.
func (c *Curve) blockPeaks() map[int]float64 {
	best := map[int]float64{}
	for i := range c.Sweep.Points {
		for _, t := range c.Sweep.Points[i].Trials {
			if v, ok := t.Load.goodput(); ok && t.Spoiled == "" {
				best[t.Block] = max(best[t.Block], v)
			}
		}
	}
	return best
}

// blockKnees are the offered rates of the knee, requests per second, see Sweep.FindKnee.
func (c *Curve) blockKnees() map[int]float64 {
	blocks := map[int]*Sweep{}
	for _, p := range c.Sweep.Points {
		for _, t := range p.Trials {
			if blocks[t.Block] == nil {
				blocks[t.Block] = &Sweep{}
			}
			one := SweepPoint{Load: p.Load, Trials: []SweepTrial{t}}
			one.Settle()
			blocks[t.Block].Points = append(blocks[t.Block].Points, one)
		}
	}
	knees := map[int]float64{}
	for block, s := range blocks {
		if s.FindKnee(); s.Knee >= 0 {
			knees[block] = s.Points[s.Knee].Load
		}
	}
	return knees
}

// blockPasts are the shares of its peak that a row still answered at the highest rate that was offered to it; none where
// that was no more than it could hold.
func (c *Curve) blockPasts() map[int]float64 { return c.blockShares((*Load).goodput) }

// blockInTimes are those that it answered within the curve's Deadline.
func (c *Curve) blockInTimes() map[int]float64 {
	return c.blockShares(func(l *Load) (float64, bool) { return l.within(c.Deadline) })
}

// blockShares are a figure at the highest rate that was offered, of the peak.
func (c *Curve) blockShares(figure func(*Load) (float64, bool)) map[int]float64 {
	shares, peaks := map[int]float64{}, c.blockPeaks()
	last := len(c.Sweep.Points) - 1
	for last >= 0 && c.Points[last].Void != "" {
		last--
	}
	if !c.Reached() {
		return shares
	}
	for _, t := range c.Sweep.Points[last].Trials {
		if v, ok := figure(t.Load); ok && t.Spoiled == "" && peaks[t.Block] > 0 {
			shares[t.Block] = v / peaks[t.Block]
		}
	}
	return shares
}
