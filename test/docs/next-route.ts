declare const board: (request: Request) => Promise<Response>;

export const dynamic = "force-dynamic";
export const GET = board;
export const POST = board;
