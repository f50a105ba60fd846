package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"rapport/internal/config"
	"rapport/web"
)

type initCommand struct {
	Dir string `arg:""`
}

// Run lays out a directory for a first start.
func (c *initCommand) Run(s *session) error {
	if err := config.Init(c.Dir); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return coded{err, exitFailed}
		}
		return err
	}
	return s.show(map[string]string{"config": filepath.Join(c.Dir, "config.yaml")}, func() {
		s.printf("%s\n", strings.TrimRight(config.NextSteps(c.Dir), "\n"))
	})
}

type checkCommand struct {
	File string `arg:"" optional:""`
}

// fault is one finding of check as scripts read it.
type fault struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Col     int    `json:"col"`
	What    string `json:"what"`
	Hint    string `json:"hint"`
	Warning bool   `json:"warning"`
}

// Run says everything that is wrong with the configuration.
func (c *checkCommand) Run(s *session) error {
	path := c.File
	if path == "" {
		var err error
		if path, err = s.configPath(); err != nil {
			return err
		}
	}
	faults, warnings := config.Check(path)
	for _, group := range []struct {
		faults  config.Faults
		warning bool
	}{{faults, false}, {warnings, true}} {
		for _, f := range group.faults {
			if s.json {
				if err := s.object(fault{f.File, f.Line, f.Col, f.What, f.Hint, group.warning}); err != nil {
					return err
				}
				continue
			}
			text := plain(f.String())
			if group.warning {
				text += " [warning]"
			}
			fmt.Fprintln(s.err, text)
		}
	}
	if len(faults) > 0 {
		return misused()
	}
	if !s.json {
		s.printf("%s: no faults\n", plain(path))
	}
	return nil
}

type configSchemaCommand struct{}

// Run prints the JSON Schema of the configuration.
func (c *configSchemaCommand) Run(s *session) error {
	schema, err := config.Schema()
	if err != nil {
		return err
	}
	s.printf("%s\n", strings.TrimRight(string(schema), "\n"))
	return nil
}

type configExampleCommand struct{}

// Run prints the annotated configuration.
func (c *configExampleCommand) Run(s *session) error {
	s.printf("%s", config.Example())
	return nil
}

type configPlanCommand struct {
	File string `arg:""`
}

// Run says what another configuration would change of what is filed.
func (c *configPlanCommand) Run(s *session) error {
	if _, err := config.Load(c.File); err != nil {
		return coded{err, exitUsage}
	}
	path, err := filepath.Abs(c.File)
	if err != nil {
		return err
	}
	return s.online(func(api *web.Client) error {
		stop := s.busy("judging")
		r, err := api.Plan(s.ctx, path)
		stop()
		if err != nil {
			return err
		}
		return s.show(r, func() { s.rematched("with that configuration", r) })
	})
}

type doctorCommand struct{}

// Run tries everything that is configured.
func (c *doctorCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		stop := s.busy("trying everything that is configured")
		findings, err := api.Doctor(s.ctx)
		stop()
		if err != nil {
			return err
		}
		return s.findings(findings)
	})
}

// findings shows what was tried, and fails where something did.
func (s *session) findings(all []web.Finding) error {
	healthy := true
	for _, f := range all {
		healthy = healthy && f.OK
		if s.json {
			if err := s.object(f); err != nil {
				return err
			}
			continue
		}
		mark, what := s.screen.paint(green, "ok  "), f.What
		if warning, ok := strings.CutPrefix(what, "warning: "); ok {
			mark, what = s.screen.paint(yellow, "note"), warning
		}
		if !f.OK {
			mark = s.screen.paint(red, "FAIL")
		}
		s.printf("%s  %s  %s\n", mark, pad(plain(f.Object), 16), plain(what))
		if f.Fix != "" {
			s.printf("      %s  %s\n", pad("", 16), s.screen.paint(yellow, plain(f.Fix)))
		}
	}
	if !healthy {
		return failed()
	}
	return nil
}

type runCommand struct{}

// Run is the daemon.
func (c *runCommand) Run(s *session) error {
	path, err := s.configPath()
	if err != nil {
		return err
	}
	if _, err := s.load(); err != nil { // faults end with the code of faults
		return err
	}
	err = s.daemon(path)
	if s.ctx.Err() != nil && (err == nil || errors.Is(err, s.ctx.Err())) {
		return nil // told to stop, and it did
	}
	return err
}

type reloadCommand struct{}

// Run makes the daemon read its configuration again.
func (c *reloadCommand) Run(s *session) error {
	return s.online(func(api *web.Client) error {
		if err := api.Reload(s.ctx); err != nil {
			return err
		}
		return s.show(map[string]bool{"reloaded": true}, func() { s.printf("reloaded\n") })
	})
}

type versionCommand struct{}

// versions is what version prints.
type versions struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	System  string `json:"system"`
}

// Run prints what this is.
func (c *versionCommand) Run(s *session) error {
	v := versions{buildVersion(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	return s.show(v, func() { s.printf("rapport %s (%s, %s)\n", v.Version, v.Go, v.System) })
}

// buildVersion is what the linker was told, else what the build knows of the
// source.
func buildVersion() string {
	if version != "devel" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, set := range info.Settings {
		if set.Key == "vcs.revision" && len(set.Value) >= 12 {
			return version + "-" + set.Value[:12]
		}
	}
	return version
}
