import { expect, test } from 'vitest';
import cases from '../../../storage/testdata/urls.json' with { type: 'json' };
import { newID, normalizeURL, pageID } from '../../src/page/url.ts';

test.each(cases)('$name', ({ in: raw, out }) => {
	expect(normalizeURL(raw)).toBe(out);
});

test('a URL of 1 MB is refused', () => {
	expect(normalizeURL(`https://example.org/${'a'.repeat(1 << 20)}`)).toBeNull();
});

test.each(cases.flatMap(({ out }) => out ?? []))('what is normalised stays: %s', (url) => {
	expect(normalizeURL(url)).toBe(url);
});

test('a page’s id is the SHA-256 of its URL as a UUIDv8', async () => {
	// printf %s https://example.org/a | sha256sum
	expect(await pageID('https://example.org/a')).toBe('b5b10dd0-429e-89ac-bcfa-f0a20b6901c1');
});

test('new ids are UUIDv7: they begin with the time and differ', () => {
	const [a, b] = [newID(0x0123456789ab), newID(0x0123456789ab)];
	expect(a).toMatch(/^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
	expect(a).not.toBe(b);
});
