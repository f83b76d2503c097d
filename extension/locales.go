package extension

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"golang.org/x/text/language"
)

// defaultLocale is the language for browsers that speak none of the others.
const defaultLocale = "en"

// locales are the languages that limn speaks, as Chrome names them, the default one first.
var locales = func() []string {
	tables, err := sources.ReadDir("locales")
	if err != nil {
		panic(err) // they are in the program
	}
	all := []string{defaultLocale}
	for _, table := range tables {
		if name := strings.TrimSuffix(table.Name(), ".json"); name != defaultLocale {
			all = append(all, name)
		}
	}
	return all
}()

var languages = func() language.Matcher {
	tags := make([]language.Tag, len(locales))
	for i, locale := range locales {
		tags[i] = language.MustParse(locale)
	}
	return language.NewMatcher(tags)
}()

// languageOf is the locale that a reader likes best (RFC 9110, section 12.5.4). What cannot be read asks for nothing.
func languageOf(acceptLanguage string) string {
	const longest = 1000 // bytes; browsers send fewer than a hundred
	wanted, _, err := language.ParseAcceptLanguage(acceptLanguage[:min(len(acceptLanguage), longest)])
	if err != nil {
		return defaultLocale
	}
	_, best, _ := languages.Match(wanted...)
	return locales[best]
}

// table is the file with the messages of a locale.
func table(locale string) string { return path.Join("locales", locale+".json") }

// addLocales writes the messages of each language as browsers want them (chrome.i18n): an object for each message.
func addLocales(files map[string][]byte) error {
	for _, locale := range locales {
		data, err := sources.ReadFile(table(locale))
		if err != nil {
			return err
		}
		var plain map[string]string
		if err := json.Unmarshal(data, &plain); err != nil {
			return fmt.Errorf("read the messages of %s: %w", locale, err)
		}
		type message struct {
			Message string `json:"message"`
		}
		messages := make(map[string]message, len(plain))
		for key, text := range plain {
			messages[key] = message{text}
		}
		name := path.Join("_locales", locale, "messages.json")
		if files[name], err = json.Marshal(messages); err != nil {
			return err
		}
	}
	return nil
}
