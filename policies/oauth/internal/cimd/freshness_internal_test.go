package cimd

import (
	"net/http"
	"testing"
	"time"
)

// How long answers are kept, by what their hosts say (A17; RFC 9111).
func TestLifetime(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for name, test := range map[string]struct {
		header []string
		want   time.Duration
	}{
		"nothing said":           {nil, usualFresh},
		"max-age":                {[]string{"Cache-Control", "max-age=3600"}, time.Hour},
		"case and quotes":        {[]string{"Cache-Control", `Public, MAX-AGE = "3600"`}, time.Hour},
		"s-maxage first":         {[]string{"Cache-Control", "max-age=60, s-maxage=7200", "Expires", at(time.Hour)}, 2 * time.Hour},
		"twice":                  {[]string{"Cache-Control", "max-age=120, max-age=3600"}, 2 * time.Minute},
		"two lines":              {[]string{"Cache-Control", "public", "Cache-Control", "max-age=120"}, 2 * time.Minute},
		"too short":              {[]string{"Cache-Control", "max-age=0, must-revalidate"}, minFresh},
		"too long":               {[]string{"Cache-Control", "max-age=604800"}, maxFresh},
		"longer than numbers":    {[]string{"Cache-Control", "max-age=99999999999999999999"}, maxFresh},
		"not a number":           {[]string{"Cache-Control", "max-age=soon"}, minFresh},
		"negative":               {[]string{"Cache-Control", "max-age=-1"}, minFresh},
		"age":                    {[]string{"Cache-Control", "max-age=3600", "Age", "1800"}, 30 * time.Minute},
		"older than its age":     {[]string{"Cache-Control", "max-age=3600", "Age", "9000"}, minFresh},
		"expires":                {[]string{"Expires", at(time.Hour)}, time.Hour},
		"expires by their clock": {[]string{"Expires", at(3 * time.Hour), "Date", at(2 * time.Hour)}, time.Hour},
		"expired":                {[]string{"Expires", at(-time.Hour)}, minFresh},
		"expires zero":           {[]string{"Expires", "0"}, minFresh},
		"max-age over expires":   {[]string{"Expires", "0", "Cache-Control", "max-age=120"}, 2 * time.Minute},
		"no-store":               {[]string{"Cache-Control", "max-age=3600, no-store"}, 0},
		"no-cache":               {[]string{"Cache-Control", "NO-CACHE"}, 0},
		"no-cache of a field":    {[]string{"Cache-Control", `no-cache="Set-Cookie"`}, 0},
		"private":                {[]string{"Cache-Control", "private, max-age=3600"}, 0},
		"something alike":        {[]string{"Cache-Control", "x-no-store, max-age=120"}, 2 * time.Minute},
	} {
		header := http.Header{}
		for i := 0; i+1 < len(test.header); i += 2 {
			header.Add(test.header[i], test.header[i+1])
		}
		if got := lifetime(header, now); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
