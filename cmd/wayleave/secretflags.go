package main

import (
	"maps"

	"github.com/spf13/cobra"
)

// secretInput is how a verb takes secrets: from files, from standard input or
// from a prompt, never from the command line.
type secretInput struct {
	files []string
	stdin bool
}

func (s *secretInput) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&s.files, "secret-file", nil, "read a secret from a file, as name=path; may be repeated")
	cmd.Flags().BoolVar(&s.stdin, "secrets-stdin", false, `read secrets from standard input, as a JSON object such as {"token": "…"}`)
}

// read returns the secrets given by files and standard input.
func (s *secretInput) read(c *cli) (map[string]string, error) {
	secrets, err := secretFiles(s.files)
	if err != nil || !s.stdin {
		return secrets, err
	}
	more, err := secretsFrom(c.in)
	if err != nil {
		return nil, err
	}
	maps.Copy(secrets, more)
	return secrets, nil
}
