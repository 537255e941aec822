package page

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"serverlab/results"
)

// browser starts a browser without a network, or skips the test where there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	found := slices.ContainsFunc([]string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
		"chrome", "headless-shell"}, func(name string) bool { _, err := exec.LookPath(name); return err == nil })
	if !found {
		t.Skip("no chromium or chrome is installed: apt-get install chromium")
	}
	options := chromedp.DefaultExecAllocatorOptions[:]
	if os.Getuid() == 0 { // its sandbox refuses root
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// tab is a page opened from disk, and all that it asked for or complained of.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string
	mu  sync.Mutex
	// asked are the addresses of its requests, said its console's messages, exceptions, violations and dialogs.
	asked, said []string
}

// look is how wide the window is, and which colours the system prefers.
type look struct {
	width  int64
	scheme string
}

func open(t *testing.T, ctx context.Context, html string, as look) *tab {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, []byte(html), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	p := &tab{t: t, ctx: ctx, url: "file://" + filepath.ToSlash(path)}
	check := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(nil, chromedp.Listen(ctx, p.hear))
	check(chromedp.Call(ctx, network.Enable, network.EnableParams{}))
	check(chromedp.Call(ctx, log.Enable, cdp.Empty{}))
	offline := network.Conditions{Offline: true, DownloadThroughput: -1, UploadThroughput: -1}
	check(chromedp.Call(ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{&offline}}))
	check(chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: as.scheme},
			{Name: "prefers-reduced-motion", Value: "reduce"}}})) // else places change while they are asked for
	check(nil, chromedp.Do(ctx, chromedp.EmulateViewport(as.width, 900), chromedp.Navigate(p.url)))
	return p
}

func (p *tab) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.asked = append(p.asked, e.Request.URL)
	case *runtime.EventConsoleAPICalled:
		p.said = append(p.said, fmt.Sprintf("console: %v", e.Args))
	case *runtime.EventExceptionThrown:
		p.said = append(p.said, "exception: "+e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		p.said = append(p.said, "log: "+e.Entry.Text)
	case *page.EventJavascriptDialogOpening:
		p.said = append(p.said, "dialog: "+e.Message)
	}
}

// quiet asks that the page asked for nothing but itself and complained of nothing.
func (p *tab) quiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Equal(p.asked, []string{p.url}) {
		p.t.Errorf("requests %q, want none but %s", p.asked, p.url)
	}
	if len(p.said) > 0 {
		p.t.Errorf("the page said %q", p.said)
	}
}

// eval is what an expression of JavaScript says in the page.
func eval[T any](p *tab, js string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](js))
	if err != nil {
		p.t.Fatalf("%s: %v", js, err)
	}
	return v
}

func TestEveryChartIsDrawn(t *testing.T) {
	run, trials := reference(t)
	html, charts := written(t, run, trials), len(results.Charts(run, trials))
	ctx := browser(t)
	for _, as := range []look{{1920, "light"}, {1920, "dark"}, {390, "light"}, {390, "dark"}} {
		t.Run(fmt.Sprint(as.width, as.scheme), func(t *testing.T) {
			p := open(t, ctx, html, as)
			boxes := eval[[][]float64](p, `[...document.querySelectorAll('figure svg.plot')]
				.map(s => s.getBoundingClientRect()).filter(b => b.width).map(b => [b.left, b.right, b.height])`)
			if len(boxes) != charts {
				t.Errorf("%d charts are drawn, want %d", len(boxes), charts)
			}
			for _, b := range boxes {
				if b[0] < 0 || b[1] > float64(as.width) || b[1]-b[0] < 240 || b[2] < 40 {
					t.Errorf("a chart from %.0f to %.0f pixels, %.0f high", b[0], b[1], b[2])
				}
			}
			if wide := eval[int64](p, `document.documentElement.scrollWidth`); wide > as.width {
				t.Errorf("the page is %d pixels wide", wide)
			}
			back := eval[string](p, `getComputedStyle(document.body).backgroundColor`)
			if dark := back != "rgb(255, 255, 255)"; dark != (as.scheme == "dark") {
				t.Errorf("the background is %s", back)
			}
			if worst := eval[float64](p, contrastJS); worst < 4.5 {
				t.Errorf("the worst contrast of text is %.2f:1", worst)
			}
			if twice := eval[[]string](p, `(ids => ids.filter((id, i) => ids.indexOf(id) !== i))(
				[...document.querySelectorAll('[id]')].map(e => e.id))`); len(twice) > 0 {
				t.Errorf("ids given twice: %q", twice)
			}
			p.quiet()
		})
	}
}

// contrastJS is the least contrast of a visible text outside drawings with the background behind it (WCAG 2.2, 1.4.3).
const contrastJS = `(() => {
	const light = c => c.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const rgb = text => text.match(/[\d.]+/g).map(Number);
	let worst = 21;
	for (const e of document.querySelectorAll('body :not(svg *):not(script)')) {
		if (!e.getClientRects().length || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
		let behind = e, back;
		do back = rgb(getComputedStyle(behind).backgroundColor);
		while (back[3] === 0 && (behind = behind.parentElement));
		const a = light(rgb(getComputedStyle(e).color).slice(0, 3)), b = light(back.slice(0, 3));
		worst = Math.min(worst, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
	}
	return worst;
})()`

// shownJS is whether anything of row 1 shows in charts, tables and cards, and whether its button says so.
const shownJS = `[
	[...document.querySelectorAll('figure')].flatMap(f => { const rows = f.dataset.rows.split(' ');
		return [...f.querySelectorAll('g.series')].filter(g => rows[g.dataset.series] === '1'); })
		.some(g => g.getBoundingClientRect().width > 0),
	[...document.querySelectorAll('[data-row="1"]')].some(e => getComputedStyle(e).display !== 'none'),
	document.querySelector('[data-switch="1"]').getAttribute('aria-pressed') === 'true']`

func TestLegendSwitchesARowEverywhere(t *testing.T) {
	p := open(t, browser(t), writtenRun(t)(reference(t)), look{1920, "light"})
	asks := func(what string, want bool) {
		t.Helper()
		if got := eval[[]bool](p, shownJS); !slices.Equal(got, []bool{want, want, want}) {
			t.Errorf("%s: shown in charts, in tables, pressed: %v, want %v", what, got, want)
		}
	}
	do := func(steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(p.ctx, steps...); err != nil {
			t.Fatal(err)
		}
	}
	asks("at first", true)
	do(chromedp.Click(chromedp.CSS(`[data-switch="1"]`)))
	asks("after a click", false)
	if !eval[bool](p, `document.querySelector('tr[data-row="2"]').getClientRects().length > 0`) {
		t.Error("another row is gone, too")
	}
	do(chromedp.Focus(chromedp.CSS(`[data-switch="0"]`)), chromedp.KeyEvent("\t"), chromedp.KeyEvent(" "))
	asks("after tab and space", true)
	do(chromedp.Focus(chromedp.CSS(`[data-switch="0"]`)), chromedp.KeyEvent(kb.ArrowRight))
	if at := eval[string](p, `document.activeElement.dataset.switch`); at != "1" {
		t.Errorf("the right arrow leads to button %q", at)
	}
	do(chromedp.KeyEvent("\r"))
	asks("after the right arrow and enter", false)
	do(chromedp.Click(chromedp.ID("all")))
	asks("after all", true)
	p.quiet()
}

func TestThemeButton(t *testing.T) {
	p := open(t, browser(t), writtenRun(t)(reference(t)), look{1920, "dark"})
	for _, want := range []string{"light rgb(255, 255, 255)", "dark rgb(22, 24, 28)", "auto rgb(22, 24, 28)"} {
		if err := chromedp.Do(p.ctx, chromedp.Click(chromedp.ID("theme"))); err != nil {
			t.Fatal(err)
		}
		got := eval[string](p, `document.getElementById('theme').textContent + ' ' +
			getComputedStyle(document.body).backgroundColor`)
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	p.quiet()
}

func TestPointShowsItsFigures(t *testing.T) {
	p := open(t, browser(t), writtenRun(t)(reference(t)), look{1920, "light"})
	tip := `document.getElementById('tip').hidden ? '' : document.getElementById('tip').textContent`
	const drawing = `#chart-arrivals-percentiles .drawing`
	if err := chromedp.Do(p.ctx, chromedp.Focus(chromedp.CSS(drawing)), chromedp.KeyEvent(kb.ArrowRight)); err != nil {
		t.Fatal(err)
	}
	if got := eval[string](p, tip); !strings.HasPrefix(got, "iterative: ") {
		t.Errorf("the right arrow shows %q", got)
	}
	if err := chromedp.Do(p.ctx, chromedp.KeyEvent(kb.ArrowDown)); err != nil {
		t.Fatal(err)
	}
	if got := eval[string](p, tip); !strings.HasPrefix(got, "eventloop: ") {
		t.Errorf("the arrow down shows %q", got)
	}
	if err := chromedp.Do(p.ctx, chromedp.KeyEvent(kb.Escape)); err != nil {
		t.Fatal(err)
	}
	if got := eval[string](p, tip); got != "" {
		t.Errorf("escape leaves %q", got)
	}
	at := eval[[]float64](p, `(document.querySelector('`+drawing+`')
		.scrollIntoView({behavior: 'instant', block: 'center'}), b => [b.left + b.width / 2, b.top + b.height / 2])(
		document.querySelector('`+drawing+` .wide .series[data-series="2"] :has(> title)').getBoundingClientRect())`)
	if err := chromedp.Do(p.ctx, chromedp.MouseEvent(chromedp.MouseMoved, at[0], at[1])); err != nil {
		t.Fatal(err)
	}
	got, err := chromedp.Run(p.ctx, chromedp.Poll[string](tip)) // until there is one
	if err != nil || !strings.Contains(got, " %, ") {
		t.Errorf("a pointer on a point shows %q (%v)", got, err)
	}
	p.quiet()
}

func TestTablesAreTheCharts(t *testing.T) {
	run, trials := reference(t)
	p := open(t, browser(t), written(t, run, trials), look{1920, "light"})
	tables := eval[map[string][][]string](p, `Object.fromEntries([...document.querySelectorAll('figure')].map(f => [
		f.id, [...f.querySelectorAll('table tr')].map(r => [...r.cells].map(c => c.textContent))]))`)
	files := eval[map[string]string](p, `Object.fromEntries([...document.querySelectorAll('figure')].map(f => [f.id,
		new TextDecoder().decode(Uint8Array.from(atob(f.querySelector('a.csv').href.split(',')[1]),
			c => c.charCodeAt(0)))]))`)
	for _, c := range results.Charts(run, trials) {
		want := c.Chart.Table()
		all := append([][]string{want.Header}, want.Rows...)
		if got := tables["chart-"+c.Name]; !reflect.DeepEqual(got, all) {
			t.Errorf("%s: the page's table is %q, want %q", c.Name, got, all)
		}
		if got := files["chart-"+c.Name]; got != string(want.CSV()) {
			t.Errorf("%s: the page's CSV is %q, want %q", c.Name, got, want.CSV())
		}
	}
	median := map[string][]float64{} // of what the records of the trials say, microseconds
	for _, x := range trials {
		if x.Situation == "trivial" && x.Voided(results.CPUPerRequest) == nil {
			median[x.Architecture] = append(median[x.Architecture], *x.Server.CPU/float64(x.Load.Requests)*1e6)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(files["chart-trivial-cpu"])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := slices.IndexFunc(rows[0], func(h string) bool { return strings.HasPrefix(h, "CPU time per request") })
	for i, a := range run.Architectures {
		v := slices.Sorted(slices.Values(median[a.Name]))
		if len(v) == 0 { // a row of other experiments
			continue
		}
		want := (v[(len(v)-1)/2] + v[len(v)/2]) / 2
		if got, err := strconv.ParseFloat(rows[i+1][column], 64); err != nil || math.Abs(got/want-1) > 1e-5 {
			t.Errorf("%s: %v, want %g (%v)", a.Name, rows[i+1], want, err)
		}
	}
	p.quiet()
}

func TestTrialsAreFiltered(t *testing.T) {
	run, trials := reference(t)
	p := open(t, browser(t), written(t, run, trials), look{1920, "light"})
	shown := `[...document.querySelectorAll('#trial-list tbody tr')].filter(r => r.getClientRects().length).length`
	if n := eval[int](p, shown); n != len(trials) {
		t.Errorf("%d trials are shown, want %d", n, len(trials))
	}
	want := 0
	for _, x := range results.TrialList(&run, trials) {
		if x.Row == 2 && x.Verdict == results.TrialFailed {
			want++
		}
	}
	eval[bool](p, `(() => { for (const [id, value] of [['filter-row', '2'], ['filter-verdict', 'failed']]) {
		const e = document.getElementById(id); e.value = value; e.dispatchEvent(new Event('input', {bubbles: true})); }
		return true; })()`)
	if n := eval[int](p, shown); n != want || want == 0 {
		t.Errorf("%d failed trials of a row are shown, want %d", n, want)
	}
	p.quiet()
}

// TestHostileRecordInABrowser asks the browser itself what became of markup in every string.
func TestHostileRecordInABrowser(t *testing.T) {
	ctx := browser(t)
	for _, behind := range []bool{true, false} {
		p := open(t, ctx, writtenRun(t)(poisoned(t, behind)), look{390, "light"})
		if n := eval[int](p, `document.querySelectorAll('script').length`); n != 1 {
			t.Errorf("behind %v: %d scripts", behind, n)
		}
		bad := eval[[]string](p, `[...document.querySelectorAll('*')].flatMap(e => [...e.attributes]
			.filter(a => /^on/i.test(a.name) || /^\s*javascript:/i.test(a.value)).map(a => e.tagName + ' ' + a.name))
			.concat([...document.querySelectorAll('img,iframe,object,embed,base,link')].map(e => e.tagName))`)
		if len(bad) > 0 {
			t.Errorf("behind %v: %q", behind, bad)
		}
		if wide := eval[int](p, `document.documentElement.scrollWidth`); wide > 390 {
			t.Errorf("behind %v: the page is %d pixels wide", behind, wide)
		}
		p.quiet()
	}
}

func TestWithoutScriptNothingIsHidden(t *testing.T) {
	html, _, _ := strings.Cut(writtenRun(t)(reference(t)), "<script>")
	p := open(t, browser(t), html, look{390, "light"})
	hidden := eval[[]string](p, `[...document.querySelectorAll('[hidden]')].map(e => e.id)`)
	if want := []string{"controls", "filter", "tip"}; !slices.Equal(hidden, want) {
		t.Errorf("hidden are %q, want %q, which are of no use without a script", hidden, want)
	}
	p.quiet()
}

// TestManyTrialsOpen says how long a browser takes to load and first draw a page of 500 trials.
func TestManyTrialsOpen(t *testing.T) {
	run, trials := manyTrials(t, 500)
	p := open(t, browser(t), written(t, run, trials), look{1920, "light"})
	if n := eval[int](p, `document.querySelectorAll('#trial-list tbody tr').length`); n != len(trials) || n < 500 {
		t.Errorf("%d trials are listed", n)
	}
	times := eval[[]float64](p, `[performance.getEntriesByType('navigation')[0].loadEventEnd,
		...performance.getEntriesByType('paint').map(e => e.startTime)]`)
	t.Logf("500 trials: load event and first drawings after %.0f ms", times)
	p.quiet()
}
