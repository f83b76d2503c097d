import type { Client } from '../api/client.ts';
import { urlHash } from '../page/url.ts';

/**
 * How much of a page's hash is told, in hex digits: one page in 65,536 has the same, of all the pages there are. It is
 * the least that the server takes.
 */
const told = 4;

/** How long an answer counts, in milliseconds: a link that is followed back and forth is asked about once. */
const fresh = 10 * 60_000;

/** Finds out whether pages have highlights without telling the server which pages these are, or who asks. */
export class Near {
	private readonly answers = new Map<string, { at: number; hashes: Promise<string[]> }>();

	constructor(private readonly client: () => Promise<Client>) {}

	/** Whether everybody can see highlights on a page; if the server does not answer, none are known. */
	async has(url: string): Promise<boolean> {
		const hash = await urlHash(url);
		const prefix = hash.slice(0, told);
		const known = this.answers.get(prefix);
		const hashes =
			known && Date.now() - known.at < fresh ? known.hashes : this.client().then((c) => c.listPagesNear(prefix));
		this.answers.set(prefix, { at: known?.hashes === hashes ? known.at : Date.now(), hashes });
		try {
			return (await hashes).includes(hash);
		} catch {
			this.answers.delete(prefix);
			return false;
		}
	}
}
