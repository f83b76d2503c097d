import { expect, test } from 'vitest';
import en from '../../locales/en.json';
import { Problem, Unreachable } from '../../src/api/client.ts';
import { inkOf } from '../../src/paint/inks.ts';
import { speak } from '../../src/ui/say.ts';
import { ago, failure, initials, nameOf } from '../../src/ui/words.ts';

speak(en);

test.each([
	['Ada', 'A'],
	['ada lovelace', 'AL'],
	['Gabriel José de la Concordia García Márquez', 'GM'],
	['梁启超', '梁'],
	['👩‍🔬 Marie', '👩‍🔬M'],
	['  ', ''],
])('the initials of %s are %s', (name, letters) => {
	expect(initials(name)).toBe(letters);
});

test.each([
	[0, 'now'],
	[59, 'now'],
	[60, '1 min ago'],
	[3599, '59 min ago'],
	[7200, '2 h ago'],
	[86_400, '1 day ago'],
	[3 * 86_400, '3 days ago'],
])('%i s before is said as %s', (seconds, words) => {
	const now = Date.parse('2026-06-01T12:00:00Z');
	expect(ago(new Date(now - seconds * 1000).toISOString(), now)).toBe(words);
});

test('a clock that runs ahead does not make the future', () => {
	expect(ago('2026-06-01T12:05:00Z', Date.parse('2026-06-01T12:00:00Z'))).toBe('now');
});

test('a failure says what happened', () => {
	expect(failure(new Unreachable(''))).toBe('The server does not answer.');
	expect(failure(new Problem(422, '', 'the note must have at most 65536 bytes', null))).toBe(
		'The note must have at most 65536 bytes.',
	);
	expect(failure(new Problem(429, 'too_many_requests', '', 12))).toBe('That was too much at once. Try again in 12 s.');
});

test.each([
	['green', 'green'],
	['#ffe600', 'yellow'],
	['#1e6fff', 'blue'],
	['#ff4081', 'pink'],
	['#8000ff', 'purple'],
	['#e53935', 'red'],
	['no color', 'yellow'],
])('%s is painted in %s', (color, ink) => {
	expect(inkOf(color)).toBe(ink);
});

test('a color is called by its name, or by its number', () => {
	expect(nameOf('pink')).toBe('Pink');
	expect(nameOf('#ff4081')).toBe('#ff4081');
});
