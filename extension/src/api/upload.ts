import { problem, Unreachable } from './client.ts';

/** How long a file may take, in milliseconds: as long as the server waits for it. */
const patience = 5 * 60_000;

/** Sends a file, and says how much of it is sent, from 0 to 1: fetch cannot. */
export function upload(url: string, token: string | null, file: Blob, sent: (part: number) => void): Promise<unknown> {
	return new Promise((resolve, reject) => {
		const request = new XMLHttpRequest();
		const lost = () => reject(new Unreachable('the server does not answer'));
		request.open('POST', url);
		request.timeout = patience;
		request.setRequestHeader('Content-Type', 'application/octet-stream');
		if (token) request.setRequestHeader('Authorization', `Bearer ${token}`);
		request.upload.onprogress = ({ loaded, total }) => sent(total > 0 ? loaded / total : 0);
		request.onload = () => {
			const { status, responseText } = request;
			if (status < 300) return resolve(JSON.parse(responseText));
			const headers = new Headers();
			for (const name of ['Content-Type', 'Retry-After']) headers.set(name, request.getResponseHeader(name) ?? '');
			reject(problem(new Response(null, { status, headers }), responseText));
		};
		request.onerror = lost;
		request.ontimeout = lost;
		request.send(file);
	});
}
