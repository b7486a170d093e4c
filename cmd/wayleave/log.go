package main

import (
	"io"

	"github.com/rs/zerolog"

	"github.com/wayleave/wayleave/config"
)

// newLog returns the log that the settings ask for, to standard error.
func (c *cli) newLog(cfg config.Log) zerolog.Logger {
	var w io.Writer = c.err
	terminal := isTerminal(c.err)
	if cfg.Format == "console" || (cfg.Format == "auto" && terminal) {
		w = zerolog.ConsoleWriter{Out: c.err, NoColor: !terminal, TimeFormat: "15:04:05"}
	}
	level, err := zerolog.ParseLevel(cfg.Level)
	if err != nil {
		level = zerolog.InfoLevel // checked when the settings were read
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}
