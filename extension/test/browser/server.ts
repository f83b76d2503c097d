import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createServer, type Server, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { inject, onTestFinished } from 'vitest';

/** A folder that is gone after the test. Postgres runs as somebody else than root and must reach it. */
export function folder(name: string): string {
	const dir = mkdtempSync(join(tmpdir(), `limn-${name}-`));
	chmodSync(dir, 0o755);
	onTestFinished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 3 }));
	return dir;
}

/** The real server with a database of its own, for one test. */
export class Limn {
	private process: ChildProcess | null = null;
	url = '';

	private constructor(
		private readonly data: string,
		private listen: string,
	) {}

	static async start(): Promise<Limn> {
		const limn = new Limn(folder('data'), '127.0.0.1:0');
		onTestFinished(() => limn.stop());
		await limn.start();
		return limn;
	}

	/** Starts, or starts again at the same address with the same data. */
	async start(): Promise<void> {
		const child = spawn(inject('limn'), [], {
			env: {
				...process.env,
				LIMN_DATA_DIR: this.data,
				LIMN_LISTEN: this.listen,
				LIMN_FETCH_ALLOW: '127.0.0.0/8:*',
				LIMN_LIMITS: 'off',
			},
			stdio: ['ignore', 'pipe', 'inherit'],
		});
		this.process = child;
		for await (const line of createInterface({ input: child.stdout })) {
			const address = /^limn is at (http:\/\/(\S+))$/.exec(line);
			if (!address?.[1] || !address[2]) continue;
			this.url = address[1];
			this.listen = address[2];
			child.stdout.resume();
			return;
		}
		throw new Error('limn did not start');
	}

	async stop(): Promise<void> {
		const child = this.process;
		this.process = null;
		if (!child || child.exitCode !== null) return;
		const gone = once(child, 'exit');
		child.kill('SIGTERM');
		await gone;
	}

	/** Loses the database, while it is stopped. */
	async forget(): Promise<void> {
		await rm(this.data, { recursive: true });
		await mkdir(this.data, { mode: 0o755 });
	}

	/** Somebody else, whose browser is not part of the test, marks some text of a page. */
	async highlight(name: string, url: string, color: string, xpath: string, start: number, end: number): Promise<void> {
		const { mark } = await this.signUp(name);
		await mark(url, color, xpath, start, end);
	}

	/** Somebody who is no browser. */
	async signUp(name: string, password?: string) {
		const { token } = await this.post('/accounts', { name, ...(password && { password }) });
		const create = (body: object) => this.post('/highlights', { group: 'public', color: 'yellow', ...body }, token);
		return {
			token,
			/** Marks some text of a page. */
			mark: (url: string, color: string, xpath: string, start: number, end: number) => {
				const ranges = [{ anchor: { xpath, offset: start }, focus: { xpath, offset: end } }];
				return create({ url, color, ranges });
			},
			/** Writes on a whole page. */
			write: (url: string, note: string) => create({ url, note, ranges: [] }),
			/** Marks each of the paragraphs of a page, which have one word each, a hundred in a section. */
			async markAll(url: string, words: string[]): Promise<void> {
				const one = (word: string, i: number) => {
					const xpath = `/html[1]/body[1]/section[${Math.floor(i / 100) + 1}]/p[${(i % 100) + 1}]/text()[1]`;
					const ends = { anchor: { xpath, offset: 0 }, focus: { xpath, offset: word.length } };
					return create({ url, ranges: [{ ...ends, quote: { exact: word, prefix: '', suffix: '' } }] });
				};
				for (let i = 0; i < words.length; i += 100) {
					await Promise.all(words.slice(i, i + 100).map((word, k) => one(word, i + k)));
				}
			},
		};
	}

	/** Lets somebody see how the server does, while it runs. */
	makeOperator(name: string): void {
		execFileSync(inject('limn'), ['account', name, '--operator'], {
			env: { ...process.env, LIMN_DATA_DIR: this.data },
		});
	}

	/** Has the server read a page again. */
	async checkAgain(url: string): Promise<void> {
		const { token } = await this.post('/accounts', { name: 'the one who checks' });
		const response = await fetch(`${this.url}/api/v1/pages?url=${encodeURIComponent(url)}`);
		const { id } = (await response.json()) as { id: string };
		await this.post(`/pages/${id}/check`, {}, token);
	}

	private async post(path: string, body: unknown, token = ''): Promise<{ token: string }> {
		const response = await fetch(`${this.url}/api/v1${path}`, {
			method: 'POST',
			headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
			body: JSON.stringify(body),
		});
		if (!response.ok) throw new Error(await response.text());
		return (await response.json()) as { token: string };
	}

	/** The extension for this server, unpacked. */
	extension(browser: 'chrome' | 'firefox', server = this.url): string {
		const dir = folder('extension');
		execFileSync(inject('limn'), ['extension', dir, '--browser', browser, '--server', server]);
		return dir;
	}

	/** The same with an open root, and nothing else different, so that a test can see into it. */
	openExtension(browser: 'chrome' | 'firefox'): string {
		const dir = this.extension(browser);
		const script = join(dir, 'content.js');
		const built = readFileSync(script, 'utf8');
		const opened = built.replace('attachShadow({mode:"closed"})', 'attachShadow({mode:"open"})');
		if (opened === built) throw new Error('the root that is to be opened is not there');
		writeFileSync(script, opened);
		return dir;
	}
}

/** Stands before a server and writes down what it is asked, and which streams are open. */
export async function eavesdrop(server: string) {
	const asked: string[] = [];
	const body: string[] = [];
	const streams = new Set<object>();
	const proxy = createServer((request, response) => {
		asked.push(`${request.method} ${request.url}`);
		const target = new URL(request.url ?? '/', server);
		const onward = send(target, { method: request.method, headers: request.headers }, (answer) => {
			response.writeHead(answer.statusCode ?? 502, answer.headers);
			answer.pipe(response);
			if (streaming && !response.destroyed) streams.add(request);
		});
		const streaming = request.url?.includes('/stream?');
		response.on('close', () => {
			streams.delete(request);
			onward.destroy();
		});
		onward.on('error', () => response.destroy());
		request.on('data', (chunk) => body.push(String(chunk)));
		request.pipe(onward);
	});
	return { url: await listen(proxy), asked, body, streams };
}

/** Serves one page of HTML at every path, on a port of its own. */
export async function servePage(
	html: string | ((path: string) => string),
	headers: Record<string, string> = {},
): Promise<string> {
	const server = createServer((request, response) => {
		response
			.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', ...headers })
			.end(typeof html === 'string' ? html : html(request.url ?? '/'));
	});
	return listen(server);
}

async function listen(server: Server): Promise<string> {
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	onTestFinished(() => {
		server.closeAllConnections();
		server.close();
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
