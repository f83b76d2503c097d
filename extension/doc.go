// Package extension is what people see in the browser: the sources of embed.js and of the extensions for Chrome
// and Firefox, and the Go that bundles them. The TypeScript is embedded and bundled by esbuild's Go API, so that
// neither building nor serving nor using them needs Node; Node is for type checks and tests.
//
// The bundles are the same for every server. What differs is the address of the server, which goes into the
// extension as config.json and into its manifest; embed.js finds it in its own script element.
package extension
