package extension

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
)

// defaultLocale is the language for browsers that speak none of the others.
const defaultLocale = "en"

// addLocales writes the messages of each language as browsers want them (chrome.i18n): an object for each message.
func addLocales(files map[string][]byte) error {
	tables, err := sources.ReadDir("locales")
	if err != nil {
		return err
	}
	for _, table := range tables {
		data, err := sources.ReadFile(path.Join("locales", table.Name()))
		if err != nil {
			return err
		}
		var plain map[string]string
		if err := json.Unmarshal(data, &plain); err != nil {
			return fmt.Errorf("read the messages of %s: %w", table.Name(), err)
		}
		type message struct {
			Message string `json:"message"`
		}
		messages := make(map[string]message, len(plain))
		for key, text := range plain {
			messages[key] = message{text}
		}
		name := path.Join("_locales", strings.TrimSuffix(table.Name(), ".json"), "messages.json")
		if files[name], err = json.Marshal(messages); err != nil {
			return err
		}
	}
	return nil
}
