import { describe, expect, test } from 'vitest';
import { EventParser, type ServerEvent } from '../../src/stream/events.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

const cases: { name: string; stream: string; events: Partial<ServerEvent>[] }[] = [
	{ name: 'an event ends with an empty line', stream: 'data: a\n\n', events: [{ type: 'message', data: 'a', id: '' }] },
	{ name: 'an event without its empty line is none yet', stream: 'data: a\n\ndata: b\n', events: [{ data: 'a' }] },
	{ name: 'lines end with CR', stream: 'event: live\rdata: a\r\r', events: [{ type: 'live', data: 'a' }] },
	{ name: 'lines end with CR LF', stream: 'event: live\r\ndata: a\r\n\r\n', events: [{ type: 'live', data: 'a' }] },
	{
		name: 'line ends are mixed',
		stream: 'data: a\r\n\ndata: b\r\r\ndata: c\n\r\n',
		events: [{ data: 'a' }, { data: 'b' }, { data: 'c' }],
	},
	{ name: 'a byte order mark is no part of the first field', stream: '\ufeffdata: a\n\n', events: [{ data: 'a' }] },
	{ name: 'data lines are joined', stream: 'data: a\ndata\ndata: b\n\n', events: [{ data: 'a\n\nb' }] },
	{ name: 'one space after the colon goes', stream: 'data:a\n\ndata:  b\n\n', events: [{ data: 'a' }, { data: ' b' }] },
	{ name: 'comments are not events', stream: ': hello\n\ndata: a\n: in between\n\n', events: [{ data: 'a' }] },
	{ name: 'unknown fields mean nothing', stream: 'fish: a\ndata: a\nDATA: b\n\n', events: [{ data: 'a' }] },
	{
		name: 'an event without data is none',
		stream: 'event: live\n\ndata: a\n\n',
		events: [{ type: 'message', data: 'a' }],
	},
	{
		name: 'an id stays until the next',
		stream: 'id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n',
		events: [{ id: '7' }, { id: '7' }, { id: '' }],
	},
	{ name: 'an id counts without data', stream: 'id: 7\n\ndata: a\n\n', events: [{ id: '7', data: 'a' }] },
	{
		name: 'an id with NUL is none',
		stream: 'id: 7\ndata: a\n\nid: 8\0\ndata: b\n\n',
		events: [{ id: '7' }, { id: '7' }],
	},
	{ name: 'text beyond ASCII', stream: 'data: 🐌 眉批 حاشية\n\n', events: [{ data: '🐌 眉批 حاشية' }] },
];

describe.each(cases)('$name', ({ stream, events }) => {
	const all = bytes(stream);
	const expected = events.map((event) => expect.objectContaining(event));

	test('in one piece', () => {
		expect(new EventParser().push(all)).toEqual(expected);
	});

	test('cut anywhere', () => {
		for (let cut = 0; cut <= all.length; cut++) {
			const parser = new EventParser();
			expect([...parser.push(all.slice(0, cut)), ...parser.push(all.slice(cut))]).toEqual(expected);
		}
	});

	test('byte by byte', () => {
		const parser = new EventParser();
		expect([...all].flatMap((byte) => parser.push(Uint8Array.of(byte)))).toEqual(expected);
	});
});

test('the server’s wish for a pause is heard, if it is a number', () => {
	const parser = new EventParser();
	parser.push(bytes('retry: 1e3\n\n'));
	expect(parser.retry).toBeNull();
	parser.push(bytes('retry: 2500\n\n'));
	expect(parser.retry).toBe(2500);
});

test('a resumed stream begins with the id it was resumed after', () => {
	expect(new EventParser('7').push(bytes('data: a\n\n'))).toEqual([{ type: 'message', data: 'a', id: '7' }]);
});

test('a line without end is refused', () => {
	const parser = new EventParser();
	const chunk = new Uint8Array(8 << 20).fill(97);
	expect(() => {
		for (let i = 0; i < 5; i++) parser.push(chunk);
	}).toThrow('too long');
});
