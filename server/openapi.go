package server

import (
	"fmt"

	"github.com/goccy/go-yaml"
)

// openAPI is openapi.yaml as JSON.
func openAPI() ([]byte, error) {
	text, err := files.ReadFile("openapi.yaml")
	if err != nil {
		return nil, fmt.Errorf("read the API's description: %w", err)
	}
	description, err := yaml.YAMLToJSON(text)
	if err != nil {
		return nil, fmt.Errorf("read the API's description: %w", err)
	}
	return description, nil
}
