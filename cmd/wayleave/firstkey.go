package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wayleave/wayleave/internal/server"
)

// firstKey makes the first administrator key if there is none, and leaves it
// where only this user reads it. It never reaches the log; on a terminal it is
// shown as well.
func (s *serving) firstKey(ctx context.Context, srv *server.Server) error {
	key, made, err := srv.Directory.FirstKey(ctx)
	if err != nil || !made {
		return err
	}
	file := filepath.Join(s.cfg.DataDir, adminKeyFile)
	if err := writeSecretFile(file, key.Secret); err != nil {
		return fail("Correct the permissions of the directory.", "the first administrator key cannot be kept in %s: %v", file, plainError(err))
	}
	s.log.Info().Str("file", file).Msg("made the first administrator key")
	if isTerminal(s.cli.out) {
		_, _ = fmt.Fprintf(s.cli.out, "First administrator key: %s\nIt is kept in %s; move it to where you keep secrets.\n", key.Secret, file)
	}
	return nil
}

// writeSecretFile replaces a file by one that only this user reads, whole or
// not at all.
func writeSecretFile(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(text + "\n")
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
