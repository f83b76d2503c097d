import { fields, list, text } from './narrow.ts';
import { type Operation, outcome, wanted } from './operations.ts';
import * as shapes from './shapes.ts';

/** How long an answer may take, in milliseconds. */
const patience = 15_000;

/** The server refused, and says why (RFC 9457). */
export class Problem extends Error {
	override name = 'Problem';
	constructor(
		readonly status: number,
		readonly code: string,
		readonly detail: string,
		/** After how many seconds it may be asked again, if it said so. */
		readonly retryAfter: number | null,
	) {
		super(detail);
	}
}

/** The server did not answer, or something between here and there answered in its place. */
export class Unreachable extends Error {
	override name = 'Unreachable';
}

/** Asks a server. The token is read for each request, so that signing in is seen at once. */
export class Client {
	constructor(
		readonly server: string,
		private readonly token: () => string | null,
	) {}

	async signUp(name: string): Promise<{ account: shapes.Account; token: string }> {
		const answer = fields(await this.ask('POST', '/accounts', { name }), 'answer');
		return { account: shapes.account(answer.account), token: text(answer, 'token') };
	}

	/** Makes a change, and says what it means for its page. */
	async perform({ change }: Operation): Promise<shapes.PageEvent> {
		const { method, path, body, version } = wanted(change);
		return outcome(change, await this.ask(method, path, body, version));
	}

	/** What happened to a highlight, newest first. */
	async listHistory(highlight: string): Promise<shapes.Entry[]> {
		const answer = fields(await this.ask('GET', `/highlights/${highlight}/history?limit=50`), 'list');
		return list(answer.items, 'items', shapes.entry);
	}

	private async ask(method: string, path: string, body?: unknown, version?: number): Promise<unknown> {
		const headers: Record<string, string> = { Accept: 'application/json' };
		const token = this.token();
		if (token) headers.Authorization = `Bearer ${token}`;
		if (body !== undefined) headers['Content-Type'] = 'application/json';
		if (version !== undefined) headers['If-Match'] = `"${version}"`;
		let response: Response;
		let answer: string;
		try {
			response = await fetch(`${this.server}/api/v1${path}`, {
				method,
				headers,
				body: body === undefined ? null : JSON.stringify(body),
				credentials: 'omit',
				cache: 'no-store',
				signal: AbortSignal.timeout(patience),
			});
			answer = await response.text();
		} catch (cause) {
			throw new Unreachable('the server does not answer', { cause });
		}
		if (response.ok) return answer ? (JSON.parse(answer) as unknown) : null;
		throw problem(response, answer);
	}
}

/** What a refusal means. One that is not the server's own is a proxy's word that the server is away. */
export function problem(response: Response, body: string): Problem | Unreachable {
	const own = response.headers.get('Content-Type')?.startsWith('application/problem+json');
	if (!own && response.status >= 500) return new Unreachable(`status ${response.status}`);
	let told: Record<string, unknown> = {};
	try {
		told = fields(JSON.parse(body), 'problem');
	} catch {
		// A refusal without a readable reason is still a refusal.
	}
	const retryAfter = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
	return new Problem(
		response.status,
		typeof told.code === 'string' ? told.code : '',
		typeof told.detail === 'string' ? told.detail : typeof told.title === 'string' ? told.title : '',
		Number.isNaN(retryAfter) ? null : retryAfter,
	);
}
