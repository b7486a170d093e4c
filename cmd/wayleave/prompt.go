package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

const maxSecret = 64 << 10 // bytes of one secret or of the secrets on standard input

// interactive reports whether a person can be asked.
func (c *cli) interactive() bool { return isTerminal(c.in) }

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// ask asks a person for a line; an empty answer is fallback. Questions go to
// standard error, so that standard output stays what other programs read.
func (c *cli) ask(question, fallback string) (string, error) {
	if fallback != "" {
		question += " [" + fallback + "]"
	}
	_, _ = fmt.Fprintf(c.err, "%s: ", printable(question))
	line, err := c.line()
	if err != nil {
		return "", err
	}
	if line = strings.TrimSpace(line); line == "" {
		return fallback, nil
	}
	return line, nil
}

// line reads one line, byte by byte so that nothing behind it is lost to the
// next question.
func (c *cli) line() (string, error) {
	var b strings.Builder
	one := make([]byte, 1)
	for b.Len() < maxSecret {
		n, err := c.in.Read(one)
		if n == 1 && one[0] == '\n' {
			break
		}
		b.Write(one[:n])
		if err == io.EOF && b.Len() > 0 {
			break
		}
		if err != nil {
			return "", fmt.Errorf("reading the answer: %w", err)
		}
	}
	return b.String(), nil
}

// askSecret asks a person for a secret without showing it.
func (c *cli) askSecret(question string) (string, error) {
	_, _ = fmt.Fprintf(c.err, "%s (not shown): ", printable(question))
	f, ok := c.in.(*os.File)
	if !ok {
		return "", fail("Give it with --secret-file.", "a secret can only be asked for on a terminal")
	}
	text, err := term.ReadPassword(int(f.Fd()))
	_, _ = fmt.Fprintln(c.err)
	if err != nil {
		return "", fmt.Errorf("reading the secret: %w", err)
	}
	return string(text), nil
}

// confirm asks before what cannot be undone; yes answers beforehand.
func (c *cli) confirm(yes bool, format string, args ...any) error {
	if yes {
		return nil
	}
	question := fmt.Sprintf(format, args...)
	if !c.interactive() {
		return fail("Repeat it with --yes.", "%s needs a confirmation", question)
	}
	answer, err := c.ask(question+"? Type yes", "no")
	if err != nil {
		return err
	}
	if answer != "yes" {
		return fail("", "nothing was changed")
	}
	return nil
}

// secretFiles reads secrets given as name=path.
func secretFiles(pairs []string) (map[string]string, error) {
	secrets := map[string]string{}
	for _, pair := range pairs {
		name, path, ok := strings.Cut(pair, "=")
		if !ok || name == "" || path == "" {
			return nil, fail("Write it as --secret-file token=/path/of/the/file.", "--secret-file does not have the form name=path")
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fail("", "the secret %s cannot be read: %v", name, err)
		}
		value := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
		if value == "" || len(value) > maxSecret {
			return nil, fail("", "%s, the file of the secret %s, is empty or too large", path, name)
		}
		secrets[name] = value
	}
	return secrets, nil
}

// secretsFrom reads secrets as one JSON object of strings. What was sent is
// never repeated in an error.
func secretsFrom(r io.Reader) (map[string]string, error) {
	bad := fail(`Send one object, such as {"token": "…"}.`, "standard input does not hold a JSON object of strings")
	text, err := io.ReadAll(io.LimitReader(bufio.NewReader(r), maxSecret+1))
	if err != nil {
		return nil, fmt.Errorf("reading standard input: %w", err)
	}
	var secrets map[string]string
	if len(text) > maxSecret || json.Unmarshal(text, &secrets) != nil || len(secrets) == 0 {
		return nil, bad
	}
	return secrets, nil
}
