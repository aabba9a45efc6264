package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"onnxcompress/internal/config"
)

// envPrefix begins the names of the environment variables that set flags.
const envPrefix = "COMPRESS_"

// configFlags are for commands with more settings than one likes to type.
func configFlags(f *common, c *cobra.Command) {
	c.Flags().String(config.Load, "", "YAML file of settings: keys are long flag names; flags and $"+envPrefix+"<FLAG> go before it")
	c.Flags().StringVar(&f.saved, config.Save, "", "write the settings of this run that are not the defaults to this file")
}

// settle gives flags that the command line leaves open what the environment and
// the file of settings say.
func settle(flags *pflag.FlagSet) error {
	if err := config.FromEnv(flags, envPrefix, os.LookupEnv); err != nil {
		return usageError{err}
	}
	if f := flags.Lookup(config.Load); f != nil && f.Value.String() != "" {
		if err := config.FromFile(flags, f.Value.String()); err != nil {
			return usageError{err}
		}
	}
	return nil
}

// saveConfig writes the settings to the file that was named for them.
func (f *common) saveConfig(c *cobra.Command) error {
	if f.saved == "" {
		return nil
	}
	use := c.CommandPath() + " MODEL --" + config.Load + " " + f.saved
	return writeFile(f.saved, func(w io.Writer) error {
		return config.Write(w, c.Flags(), "compress "+moduleVersion(), use)
	})
}
