package servers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"sequential", "iterative"}, {"event-based", "eventloop"}, {"thread-based", "threadpool"},
		{"process-based", "process"},
	} {
		if a, _, err := Lookup(c.name); err != nil || a.Name != c.want {
			t.Errorf("the lecture's %s is %q (%v), want %s", c.name, a.Name, err, c.want)
		}
	}
	for _, name := range Names() {
		if a, _, err := Lookup(name); err != nil || a.Name != name {
			t.Errorf("%s is found as %q (%v)", name, a.Name, err)
		}
	}
	for _, name := range []string{"", "Iterative", "apache"} {
		_, _, err := Lookup(name)
		if err == nil {
			t.Errorf("%q was found", name)
			continue
		}
		for _, known := range Names() {
			if !strings.Contains(err.Error(), known) {
				t.Errorf("the error for %q does not offer %s: %v", name, known, err)
			}
		}
	}
}

// A row is complete, its name is its own, and a file is named after it.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range Architectures {
		if seen[a.Name] {
			t.Errorf("two rows are named %s", a.Name)
		}
		seen[a.Name] = true
		if a.Lecture == "" || a.Idea == "" || strings.Contains(a.Idea, "\n") {
			t.Errorf("%s: the lecture's word or the idea is missing, or has more than a line", a.Name)
		}
		if a.Limit != Refuses && a.Limit != Queues && a.Limit != QueuesOne {
			t.Errorf("%s: what bounds its connections? %q", a.Name, a.Limit)
		}
		if _, err := os.Stat(a.Name + ".go"); err != nil {
			t.Errorf("%s has no file of its own: %v", a.Name, err)
		}
	}
}

// Where nothing can be served, the table must still build: elsewhere.go names what the table names, and nothing more.
func TestElsewhereNamesWhatTheTableNames(t *testing.T) {
	used := map[string]bool{}
	ast.Inspect(parse(t, "servers.go"), func(n ast.Node) bool {
		kv, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		key, ok1 := kv.Key.(*ast.Ident)
		value, ok2 := kv.Value.(*ast.Ident)
		if ok1 && ok2 && (key.Name == "Serve" || key.Name == "Member") {
			used[value.Name] = true
		}
		return true
	})
	if len(used) < len(Architectures) {
		t.Fatalf("the table of %d rows names only %v", len(Architectures), used)
	}
	for _, decl := range parse(t, "elsewhere.go").Decls {
		vars, ok := decl.(*ast.GenDecl)
		if !ok || vars.Tok != token.VAR {
			continue
		}
		for _, spec := range vars.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if !used[name.Name] {
					t.Errorf("elsewhere.go names %s, the table does not", name.Name)
				}
				delete(used, name.Name)
			}
		}
	}
	for name := range used {
		t.Errorf("the table names %s, elsewhere.go does not", name)
	}
}

func parse(t *testing.T, file string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
