import type { Operation } from '../api/operations.ts';
import type { Kept } from '../state/pending.ts';

/** A change that waits to be sent, in the order in which it was made. */
interface Row extends Kept {
	place?: number;
	/** Whose it is: somebody else who uses this browser must not send it. */
	account: string;
	/** What it brings. */
	file?: Blob;
}

/**
 * What one has changed and the server has not confirmed, in a database of the extension's own: it outlives the page, the
 * worker and the browser. A change is written here before it is sent.
 */
export class Queue {
	private database: Promise<IDBDatabase> | null = null;

	/** Adds a change at the end, unless it is there. */
	async add(operation: Operation, account: string, file?: Blob): Promise<void> {
		await this.write(async (rows) => {
			const known = await done(rows.index('operation').getKey(operation.id));
			if (known === undefined) {
				rows.add({ operation, account, refused: null, ...(file && { file }) } satisfies Row);
			}
		});
	}

	/** The first changes that somebody has to send: what was refused waits for a decision. */
	async next(account: string, limit: number): Promise<Operation[]> {
		return (await this.all())
			.filter((row) => row.account === account && !row.refused)
			.slice(0, limit)
			.map(({ operation }) => operation);
	}

	/** What is kept for a page. */
	async list(url: string): Promise<Kept[]> {
		return (await this.all())
			.filter(({ operation }) => operation.url === url)
			.map(({ operation, refused }) => ({ operation, refused }));
	}

	/** The file that a change brings. */
	async file(id: string): Promise<Blob | undefined> {
		const rows = (await this.open()).transaction('operations').objectStore('operations');
		return ((await done(rows.index('operation').get(id))) as Row | undefined)?.file;
	}

	async count(): Promise<number> {
		return (await this.all()).length;
	}

	/** It is done, or given up. */
	async remove(id: string): Promise<void> {
		await this.write(async (rows) => {
			const place = await done(rows.index('operation').getKey(id));
			if (place !== undefined) rows.delete(place);
		});
	}

	/** The server has refused it; null: it is tried again. */
	async refuse(id: string, refused: Kept['refused']): Promise<void> {
		await this.write(async (rows) => {
			const row = (await done(rows.index('operation').get(id))) as Row | undefined;
			if (row) rows.put({ ...row, refused });
		});
	}

	private async all(): Promise<Row[]> {
		const rows = (await this.open()).transaction('operations').objectStore('operations');
		return (await done(rows.getAll())) as Row[]; // by place
	}

	private async write(change: (rows: IDBObjectStore) => Promise<void>): Promise<void> {
		const writing = (await this.open()).transaction('operations', 'readwrite', { durability: 'strict' });
		const finished = new Promise<void>((resolve, reject) => {
			writing.oncomplete = () => resolve();
			writing.onabort = () => reject(writing.error);
		});
		await change(writing.objectStore('operations'));
		await finished;
	}

	private open(): Promise<IDBDatabase> {
		this.database ??= (async () => {
			const opening = indexedDB.open('limn', 1);
			opening.onupgradeneeded = () => {
				const rows = opening.result.createObjectStore('operations', { keyPath: 'place', autoIncrement: true });
				rows.createIndex('operation', 'operation.id', { unique: true });
			};
			const database = await done(opening);
			database.onclose = () => {
				this.database = null;
			};
			return database;
		})();
		return this.database;
	}
}

function done<T>(request: IDBRequest<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
}
