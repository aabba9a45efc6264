// Package config sets the flags of a command from the environment and from
// YAML files, and writes such files. It knows flags by what pflag tells of
// them: whoever registers a flag has a key and a variable for it, too.
//
// What the command line says comes first, then the environment, then the file:
// FromEnv and FromFile, called in this order after the command line was read,
// leave alone what was set before them.
package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// none are flags that cannot be set but by the command line.
var none = map[string]bool{"help": true}

// noKey are flags that have no key in a file: those that name the file.
var noKey = map[string]bool{"help": true, Load: true, Save: true}

// The names of the flags that a command has for files of settings.
const (
	Load = "config"
	Save = "save-config"
)

// choice annotates the flags of Exclusive.
const choice = "config_choice"

// Exclusive says that of these flags one is set at most: where the command line
// sets one of them, the environment and a file set no other.
func Exclusive(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		if err := flags.SetAnnotation(name, choice, names); err != nil {
			panic(err) // a flag that was not registered
		}
	}
}

// open lists the flags that may still be set, by name.
func open(flags *pflag.FlagSet, except map[string]bool) map[string]*pflag.Flag {
	left := map[string]*pflag.Flag{}
	flags.VisitAll(func(f *pflag.Flag) {
		free := !f.Changed && !except[f.Name]
		for _, other := range f.Annotations[choice] {
			free = free && !flags.Changed(other)
		}
		if free {
			left[f.Name] = f
		}
	})
	return left
}

// Variable is the environment variable of a flag.
func Variable(prefix, flag string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// FromEnv sets the flags that are not set yet from the variables of the
// environment that lookup finds. An empty one says nothing. A value that its
// flag refuses is an error.
func FromEnv(flags *pflag.FlagSet, prefix string, lookup func(string) (string, bool)) error {
	var failed error
	left := open(flags, none)
	flags.VisitAll(func(f *pflag.Flag) {
		name := Variable(prefix, f.Name)
		text, ok := lookup(name)
		if !ok || text == "" || left[f.Name] == nil || failed != nil {
			return
		}
		if err := set(flags, f.Name, text); err != nil {
			failed = fmt.Errorf("%s: %w", name, err)
		}
	})
	return failed
}

// set sets a flag. The error does not speak of the command line.
func set(flags *pflag.FlagSet, name, text string) error {
	err := flags.Set(name, text)
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return invalid.Unwrap()
	}
	return err
}
