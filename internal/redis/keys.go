package redis

import (
	"fmt"
	"hash/crc32"
	"strings"
	"time"
)

// buckets is how many parts what is tracked is cut into. All keys of a bucket
// have its name as their hash tag, hence one slot: one script can then change
// them together, while the buckets spread over the servers of a Cluster. It is
// part of the format of what is stored.
const buckets = 64

// keys makes the names of what is stored:
//
//	wl:{b07}:h:<tenant>:<connection>  a hash, the health of one connection
//	wl:{b07}:exp                      a sorted set of <tenant>:<connection> by when the token expires
//	wl:{b07}:s:<recorder>             the number of the recorder's last batch; goes away by itself
//	wl:changed                        the channel of announcements
type keys struct {
	bucket  [buckets]string // "wl:{b07}"
	channel string
}

func newKeys(prefix string) keys {
	if prefix == "" {
		prefix = "wl"
	}
	k := keys{channel: prefix + ":changed"}
	for i := range k.bucket {
		k.bucket[i] = fmt.Sprintf("%s:{b%02d}", prefix, i)
	}
	return k
}

// bucketOf returns the bucket of a connection.
func bucketOf(connection string) int {
	return int(crc32.ChecksumIEEE([]byte(connection)) % buckets)
}

func (k *keys) health(tenant, connection string) string {
	return k.bucket[bucketOf(connection)] + ":h:" + member(tenant, connection)
}

func (k *keys) expiry(bucket int) string { return k.bucket[bucket] + ":exp" }

func (k *keys) batch(bucket int, recorder string) string {
	return k.bucket[bucket] + ":s:" + recorder
}

var (
	escapeTenant   = strings.NewReplacer("%", "%25", ":", "%3A")
	unescapeTenant = strings.NewReplacer("%25", "%", "%3A", ":")
)

// member names a connection. The tenant is escaped, so that the first colon
// ends it; ids that Wayleave makes need no escape.
func member(tenant, connection string) string {
	return escapeTenant.Replace(tenant) + ":" + connection
}

func splitMember(m string) (tenant, connection string) {
	tenant, connection, _ = strings.Cut(m, ":")
	return unescapeTenant.Replace(tenant), connection
}

// micros is how a time is stored: microseconds since 1970, 0 for never. Redis
// and Lua count in doubles, which hold these exactly until the year 2255.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
