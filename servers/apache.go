//go:build linux

package servers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"
)

// Apache httpd is one server with three architectures, its multi-processing modules (MPMs):
//
//	prefork: parent -> a pool of processes, each serving one connection at a time
//	worker:  parent -> a process -> a pool of threads, each serving one connection at a time
//	event:   the same, with a thread that waits for the connections that are silent between requests
//
// The pool is fixed here, cfg.Workers in all; for the threads, in one process. It serves a file at / and knows no
// handler.
func apachePrefork(ctx context.Context, cfg Config, _ fasthttp.RequestHandler) error {
	return apache(ctx, cfg, "prefork", fmt.Sprintf("StartServers %[1]d\nMinSpareServers %[1]d\nMaxSpareServers %[1]d\n"+
		"ServerLimit %[1]d\n", cfg.Workers))
}

func apacheWorker(ctx context.Context, cfg Config, _ fasthttp.RequestHandler) error {
	return apache(ctx, cfg, "worker", apacheThreads(cfg))
}

func apacheEvent(ctx context.Context, cfg Config, _ fasthttp.RequestHandler) error {
	return apache(ctx, cfg, "event", apacheThreads(cfg))
}

func apacheThreads(cfg Config) string {
	return fmt.Sprintf("StartServers 1\nServerLimit 1\nThreadLimit %[1]d\nThreadsPerChild %[1]d\nMinSpareThreads %[1]d\n"+
		"MaxSpareThreads %[2]d\n", cfg.Workers, 2*cfg.Workers)
}

// apacheModules is where Debian has them.
const apacheModules = "/usr/lib/apache2/modules"

func needsApache() error {
	_, err := installed("apache2")
	if err == nil && unix.Access(filepath.Join(apacheModules, "mod_mpm_event.so"), unix.R_OK) != nil {
		return fmt.Errorf("apache2 has no modules in %s: run scripts/setup.sh", apacheModules)
	}
	return err
}

func apache(ctx context.Context, cfg Config, mpm, pool string) error {
	program, err := installed("apache2")
	if err != nil {
		return err
	}
	return external{program, syscall.SIGWINCH, func(dir, addr string, cfg Config) ([]string, error) {
		return writeApache(dir, addr, mpm, pool, cfg)
	}}.serve(ctx, cfg)
}

func writeApache(dir, addr, mpm, pool string, cfg Config) ([]string, error) {
	alive := "Off"
	if cfg.KeepAlive {
		alive = "On"
	}
	conf := filepath.Join(dir, "apache.conf")
	return []string{"-D", "FOREGROUND", "-f", conf}, writeFiles(dir, map[string]string{"apache.conf": fmt.Sprintf(`
ServerRoot %[1]s
DefaultRuntimeDir %[1]s
PidFile %[1]s/pid
Mutex file:%[1]s default
ServerName localhost
%[2]sListen %[3]s
ListenBacklog 4096
LoadModule mpm_%[4]s_module %[5]s/mod_mpm_%[4]s.so
LoadModule authz_core_module %[5]s/mod_authz_core.so
LoadModule dir_module %[5]s/mod_dir.so
LoadModule reqtimeout_module %[5]s/mod_reqtimeout.so
%[6]sMaxRequestWorkers %[7]d
MaxConnectionsPerChild 0
GracefulShutdownTimeout %[8]s
KeepAlive %[9]s
MaxKeepAliveRequests 0
KeepAliveTimeout %[10]s
Timeout %[10]s
RequestReadTimeout header=%[11]s body=%[11]s
LimitRequestBody %[12]d
ErrorLog /dev/stderr
LogLevel error
DocumentRoot %[1]s
DirectoryIndex index.txt
FileETag None
<Directory %[1]s>
	AllowOverride None
	Require all granted
	ForceType "text/plain; charset=utf-8"
</Directory>
`, dir, asRoot("User #65534\nGroup #65534\n"), addr, mpm, apacheModules, pool, cfg.Workers, seconds(cfg.StopTimeout),
		alive, seconds(cfg.IdleTimeout), seconds(cfg.ReadTimeout), cfg.Limits.Body)})
}

// asRoot is what a configuration says only where root starts the server: an ordinary user can't change to another.
func asRoot(lines string) string {
	if os.Geteuid() == 0 {
		return lines
	}
	return ""
}
