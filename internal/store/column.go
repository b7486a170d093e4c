package store

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/wayleave/wayleave/credentials"
)

// asTime stores a time as microseconds since 1970, and the zero time as NULL.
// What is finer than a microsecond is cut off.
func asTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// A timeColumn reads what asTime stored, in UTC.
type timeColumn struct{ t *time.Time }

func (c timeColumn) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*c.t = time.Time{}
	case int64:
		*c.t = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("a time was stored as %T", src)
	}
	return nil
}

// asJSON stores a value as JSON text. nil stays apart from empty.
type asJSON struct{ v any }

func (a asJSON) Value() (driver.Value, error) {
	b, err := json.Marshal(a.v)
	return string(b), err
}

// A jsonColumn reads what asJSON stored. Numbers in an any are json.Number.
type jsonColumn struct{ into any }

func (c jsonColumn) Scan(src any) error {
	var text []byte
	switch v := src.(type) {
	case string:
		text = []byte(v)
	case []byte:
		text = v
	default:
		return fmt.Errorf("JSON was stored as %T", src)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(c.into)
}

// sealedColumns are the columns of a credentials.Sealed, in the order of
// sealedValues and of sealedRow.
const sealedColumns = "sealed_provider, sealed_key, sealed_key_version, sealed_text, sealed_serial, sealed_box"

// sealedValues returns the values of sealedColumns: all NULL if nothing is
// sealed.
func sealedValues(s credentials.Sealed) []any {
	if s.IsZero() {
		return []any{nil, nil, nil, nil, nil, nil}
	}
	return []any{s.Key.Provider, s.Key.Name, s.Key.Version, s.Key.Text, s.Serial, s.Box}
}

// A sealedRow takes what was read of sealedColumns.
type sealedRow struct {
	provider, key, text sql.NullString
	keyVersion, serial  sql.NullInt64
	box                 []byte
}

func (r *sealedRow) dest() []any {
	return []any{&r.provider, &r.key, &r.keyVersion, &r.text, &r.serial, &r.box}
}

func (r *sealedRow) sealed() credentials.Sealed {
	if len(r.box) == 0 {
		return credentials.Sealed{}
	}
	return credentials.Sealed{
		Key: credentials.WrappedKey{
			Provider: r.provider.String,
			Name:     r.key.String,
			Version:  int(r.keyVersion.Int64),
			Text:     r.text.String,
		},
		Serial: r.serial.Int64,
		Box:    r.box,
	}
}
