package page

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"time"

	"durward/policies/oauth/internal/access"
)

//go:embed texts.en.json
var englishTexts []byte

// texts is everything that the pages say to people, in one language. Another language is another file of this form.
type texts struct {
	// Language is a BCP 47 tag, for the lang attribute.
	Language string `json:"language"`
	// Months and Date write a day. Date has the placeholders day, month and year.
	Months [12]string `json:"months"`
	Date   string     `json:"date"`
	// Words are the texts of the pages under the names that the templates use. A placeholder is a name in braces.
	Words map[string]string `json:"words"`
	// Messages and Denials have no placeholders.
	Messages map[Message]messageText  `json:"messages"`
	Denials  map[access.Denial]string `json:"denials"`
}

// messageText is what an error page says.
type messageText struct {
	Heading string `json:"heading"`
	// Text says what happened, Advice what the person may do.
	Text   string `json:"text"`
	Advice string `json:"advice"`
}

func readTexts(file []byte) (texts, error) {
	var all texts
	decoder := json.NewDecoder(bytes.NewReader(file))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&all); err != nil {
		return texts{}, fmt.Errorf("read texts: %w", err)
	}
	return all, nil
}

// functions are what the templates call.
func (t texts) functions() template.FuncMap {
	return template.FuncMap{"text": t.text, "date": t.day, "strong": strong}
}

// text answers the text of that name as HTML. Pairs are placeholder and value. Values are escaped, but for HTML that
// another function made. A placeholder without a value is an error.
func (t texts) text(name string, pairs ...any) (template.HTML, error) {
	words, ok := t.Words[name]
	if !ok {
		return "", fmt.Errorf("no text %q", name)
	}
	filled, err := fill(words, pairs)
	if err != nil {
		return "", fmt.Errorf("text %q: %w", name, err)
	}
	return filled, nil
}

// day writes the day of a time in UTC, the month in letters: nobody takes it for another day.
func (t texts) day(when time.Time) (template.HTML, error) {
	when = when.UTC()
	words, err := fill(t.Date, []any{"day", when.Day(), "month", t.Months[when.Month()-1], "year", when.Year()})
	if err != nil {
		return "", fmt.Errorf("date: %w", err)
	}
	//nolint:gosec // digits and escaped words
	return template.HTML(`<time datetime="`+when.Format(time.RFC3339)+`">`) + words + "</time>", nil
}

// strong marks text from outside as such. Its direction does not reach the words around it.
func strong(text string) template.HTML {
	return "<strong><bdi>" + escaped(text) + "</bdi></strong>"
}

// fill puts values in the place of the names in braces.
func fill(words string, pairs []any) (template.HTML, error) {
	values := map[string]template.HTML{}
	for i := 0; i+1 < len(pairs); i += 2 {
		value, isHTML := pairs[i+1].(template.HTML)
		if !isHTML {
			value = escaped(fmt.Sprint(pairs[i+1]))
		}
		values[fmt.Sprint(pairs[i])] = value
	}
	var filled template.HTML
	for {
		before, rest, found := strings.Cut(words, "{")
		filled += escaped(before)
		if !found {
			break
		}
		name, after, _ := strings.Cut(rest, "}")
		value, ok := values[name]
		if !ok {
			return "", fmt.Errorf("nothing to put for {%s}", name)
		}
		filled += value
		words = after
	}
	return filled, nil
}

func escaped(text string) template.HTML {
	return template.HTML(template.HTMLEscapeString(text)) //nolint:gosec // it is what makes it safe
}
