import { type Client, Problem } from '../api/client.ts';
import type { Operation } from '../api/operations.ts';
import type { PageEvent } from '../api/shapes.ts';
import type { Queue } from './queue.ts';

/** Sends a file that waits in the queue, and says how much of it is sent. */
export async function uploadKept(
	queue: Queue,
	client: Client,
	operation: Operation,
	tell: (url: string, event: PageEvent) => void,
): Promise<PageEvent> {
	const { change, id, url } = operation;
	const file = await queue.file(id);
	if (!file || change.kind !== 'attach') throw new Problem(404, 'not_found', '', null); // given up meanwhile
	return client.perform(operation, file, (part) => tell(url, { type: 'sent', file: change.file.id, part }));
}
