// Says how many nanoseconds approx-string-match takes for a quote with errors. Reads {"text": "…", "quotes": […]}.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const search = createRequire(new URL('../../extension/', import.meta.url))('approx-string-match').default;
const { text, quotes } = JSON.parse(readFileSync(0, 'utf8'));
const start = performance.now();
let done = 0;
while (performance.now() - start < 1000) {
	const quote = quotes[done++ % quotes.length];
	search(text, quote, quote.length >> 1);
}
console.log(((performance.now() - start) / done) * 1e6);
