import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (name: string) => JSON.parse(readFileSync(join(root, 'locales', name), 'utf8')) as Record<string, string>;
const english = read('en.json');
const others = readdirSync(join(root, 'locales')).filter((name) => name !== 'en.json');

const about = (message: string) => [...message.matchAll(/\$[1-9]/g)].map(([part]) => part).sort();

test.each(others)('%s says everything, about the same things', (name) => {
	const table = read(name);
	expect(Object.keys(table).sort()).toEqual(Object.keys(english).sort());
	for (const [key, message] of Object.entries(table)) {
		expect(message, key).not.toBe('');
		if (key.endsWith('_one')) continue; // may say "one" instead of the number
		expect(about(message), key).toEqual(about(english[key] ?? ''));
	}
});

test('every message is said somewhere', () => {
	const sources = ['src', 'static']
		.flatMap((dir) =>
			readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' }).map((name) => join(dir, name)),
		)
		.filter((name) => /\.(ts|html)$/.test(name))
		.map((name) => readFileSync(join(root, name), 'utf8'))
		.concat(readFileSync(join(root, 'manifest.go'), 'utf8'))
		.join('\n');
	const unused = Object.keys(english).filter((key) => {
		const name = key.replace(/_(one|other)$/, '');
		return !new RegExp(`['"]${name}['"]|__MSG_${name}__|\\b${name}: \\d`).test(sources);
	});
	expect(unused).toEqual([]);
});
