import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { PageEvent } from '../../src/api/shapes.ts';
import { Hub } from '../../src/hub/hub.ts';
import { pageID } from '../../src/page/url.ts';

const [one, two] = ['https://example.org/1', 'https://example.org/2'];
const times = { created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' };
const author = { id: 'a', name: 'Ada' };

/** A server whose streams say what the test writes, and what they were asked. */
async function serve() {
	const streams: { query: URLSearchParams; cursor: string | undefined; response: ServerResponse; open: boolean }[] = [];
	const server = createServer((request, response) => {
		const query = new URL(request.url ?? '', 'http://server').searchParams;
		const stream = { query, cursor: request.headers['last-event-id'] as string | undefined, response, open: true };
		streams.push(stream);
		request.on('close', () => {
			stream.open = false;
		});
		response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	onTestFinished(() => {
		server.closeAllConnections();
		server.close();
	});
	const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const opened = (n: number) => vi.waitFor(() => streams[n - 1] ?? Promise.reject(new Error(`no stream ${n}`)));
	return { address, opened };
}

function send(to: { response: ServerResponse }, type: string, id: string, data: unknown): void {
	to.response.write(`event: ${type}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
}

async function highlight(id: string, url: string, seq: number) {
	const page = { id: await pageID(url), url, title: '' };
	const check = { state: 'pending', reason: '', ranges: null };
	const rest = { ranges: [], tags: [], color: 'yellow', note: '', replies: 0, version: 1, group: 'public' };
	return { id, page, author, check, seq, ...rest, ...times };
}

function reply(id: string, to: string, seq: number) {
	return { id, highlight: to, author, note: '', seq, version: 1, ...times };
}

function hubOf(address: string, token: () => string | null): Hub {
	return new Hub(address, token, () => {}, new EventTarget());
}

/** Watches a page, and gathers what it is told: ids of highlights and replies, else the event's type. */
function watch(hub: Hub, url: string) {
	const end = new AbortController();
	const told: string[] = [];
	onTestFinished(() => end.abort());
	const listen = (event: PageEvent) => {
		told.push(event.type === 'highlight' ? event.highlight.id : event.type === 'reply' ? event.reply.id : event.type);
	};
	hub.watch(url, listen, end.signal);
	return { told, leave: () => end.abort() };
}

test('pages share one stream, and each is told its own', async () => {
	const server = await serve();
	const hub = hubOf(server.address, () => null);
	const first = watch(hub, one);
	const second = watch(hub, two);
	const stream = await server.opened(1);
	expect(stream.query.getAll('page').sort()).toEqual([await pageID(one), await pageID(two)].sort());

	send(stream, 'reply', '1', reply('early', 'b', 1)); // its highlight was changed after it
	send(stream, 'highlight', '2', await highlight('a', one, 2));
	send(stream, 'highlight', '3', await highlight('b', two, 3));
	send(stream, 'reply', '4', reply('late', 'a', 4));
	send(stream, 'removed', '5', { id: 'b', page: await pageID(two), kind: 'highlight' });
	await vi.waitFor(() => expect(second.told).toContain('removed'));
	expect(first.told.slice(-2)).toEqual(['a', 'late']);
	expect(second.told.slice(-3)).toEqual(['b', 'early', 'removed']);
});

test('an event that cannot be read is left out, the next is taken', async () => {
	const warn = vi.spyOn(console, 'warn').mockReturnValue();
	const server = await serve();
	const hub = hubOf(server.address, () => null);
	const { told } = watch(hub, one);
	const stream = await server.opened(1);
	send(stream, 'highlight', '1', { id: 'half' });
	send(stream, 'highlight', '2', await highlight('whole', one, 2));
	await vi.waitFor(() => expect(told).toContain('whole'));
	expect(told).not.toContain('half');
	expect(warn).toHaveBeenCalledOnce();
	warn.mockRestore();
});

test('a page that comes late is told at once what is known', async () => {
	const server = await serve();
	const hub = hubOf(server.address, () => null);
	watch(hub, one);
	const stream = await server.opened(1);
	expect(stream.query.getAll('url')).toEqual([one]);
	send(stream, 'highlight', '1', await highlight('a', one, 1));
	send(stream, 'live', '1', { page: await pageID(one), seq: 1 });
	const second = watch(hub, one);
	await vi.waitFor(() => expect(second.told).toContain('live'));
	expect(second.told).toContain('a');
});

test('a page is not forgotten while the place to resume still names it', async () => {
	const server = await serve();
	const hub = hubOf(server.address, () => null);
	watch(hub, one);
	const gone = watch(hub, two);
	const both = await server.opened(1);
	send(both, 'highlight', '7', await highlight('b', two, 1));
	await vi.waitFor(() => expect(gone.told).toContain('b'));
	gone.leave();
	await vi.waitFor(async () => expect((await server.opened(2)).cursor).toBe('7'), 5_000);

	// No other cursor came meanwhile: what the server will not send again must still be here.
	const back = watch(hub, two);
	expect(back.told).toContain('b');
	expect((await server.opened(3)).cursor).toBe('7');
});

test('of more pages than a stream may name, the one looked at longest ago says that it is not live', async () => {
	const server = await serve();
	const hub = hubOf(server.address, () => null);
	const first = watch(hub, one);
	const alone = await server.opened(1);
	send(alone, 'live', '1', { page: await pageID(one), seq: 1 });
	await vi.waitFor(() => expect(first.told).toContain('live'));
	first.told.length = 0;
	for (let i = 0; i < 32; i++) watch(hub, `https://example.org/more/${i}`);
	const full = await server.opened(2);
	expect(full.query.getAll('page')).toHaveLength(32);
	expect(full.query.getAll('page')).not.toContain(await pageID(one));
	expect(first.told).toEqual(['resync', 'status']);
});

test('another account begins anew', async () => {
	const server = await serve();
	let token: string | null = null;
	const hub = hubOf(server.address, () => token);
	const { told } = watch(hub, one);
	const anonymous = await server.opened(1);
	send(anonymous, 'highlight', '7', await highlight('a', one, 1));
	await vi.waitFor(() => expect(told).toContain('a'));
	token = 'ada';
	hub.restart();
	const named = await server.opened(2);
	expect(named.cursor).toBeUndefined();
	await vi.waitFor(() => expect(anonymous.open).toBe(false));
});
