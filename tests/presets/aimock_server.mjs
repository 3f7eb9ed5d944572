// A scripted assistant that speaks the real wire formats: `@copilotkit/aimock` on a port of its own.
//
//   node aimock_server.mjs FOLDER        FOLDER is where `npm install @copilotkit/aimock` was run
//
// Prints one line of JSON with its URL once it listens, and ends when its standard input does.
// What a user says chooses the answer; `record.py` and the tests marked `aimock` rely on these.

import { pathToFileURL } from "node:url";
import path from "node:path";

const folder = path.resolve(process.argv[2], "node_modules/@copilotkit/aimock/dist/index.js");
const { LLMock, AGUIMock, A2AMock } = await import(pathToFileURL(folder));

const ANSWER = "Hello! It costs 12 €, in 東京 too. 🙂";
const REASONING = "The user greets me; I keep this to myself.";
// Every provider finds its own names here and ignores the others.
const usage = {
  prompt_tokens: 11, completion_tokens: 7, total_tokens: 18,
  input_tokens: 11, output_tokens: 7,
  promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18,
};

// Halves of a surrogate pair do not survive JSON over a socket, so pieces end between characters.
const pieces = { chunkSize: 6 };

const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
mock.onMessage("greet me", { content: ANSWER, usage }, pieces);
mock.onMessage("think first", { content: ANSWER, reasoning: REASONING, usage }, pieces);
mock.onMessage("say something rude", { content: "I would", finishReason: "content_filter" }, pieces);
// Long enough that every API has begun to answer, and none has finished.
mock.onMessage("break off", { content: ANSWER.repeat(3) },
  { ...pieces, truncateAfterChunks: 10, latency: 5 });
mock.onMessage("fail", {
  error: { message: "The model is overloaded.", type: "server_error", code: "overloaded" }, status: 503,
});
mock.onMessage("call the tool", {
  content: "One moment.",
  toolCalls: [{ name: "look_up", arguments: '{"word":"tea"}' }],
}, pieces);

const agui = new AGUIMock();
agui.onMessage("greet me", ANSWER);
agui.onRun("think first", [
  { type: "RUN_STARTED", threadId: "t", runId: "r" },
  { type: "REASONING_START", messageId: "m0" },
  { type: "REASONING_MESSAGE_START", messageId: "m0", role: "reasoning" },
  { type: "REASONING_MESSAGE_CONTENT", messageId: "m0", delta: REASONING },
  { type: "REASONING_MESSAGE_END", messageId: "m0" },
  { type: "REASONING_END", messageId: "m0" },
  { type: "TOOL_CALL_START", toolCallId: "c1", toolCallName: "look_up" },
  { type: "TOOL_CALL_ARGS", toolCallId: "c1", delta: '{"word":"tea"}' },
  { type: "TOOL_CALL_END", toolCallId: "c1" },
  { type: "TEXT_MESSAGE_START", messageId: "m1", role: "assistant" },
  { type: "TEXT_MESSAGE_CONTENT", messageId: "m1", delta: ANSWER.slice(0, 7) },
  { type: "TEXT_MESSAGE_CONTENT", messageId: "m1", delta: ANSWER.slice(7) },
  { type: "TEXT_MESSAGE_END", messageId: "m1" },
  { type: "RUN_FINISHED", threadId: "t", runId: "r",
    usage: [{ model: "m", inputTokens: 11, outputTokens: 7 }] },
]);
agui.onRun("fail", [
  { type: "RUN_STARTED", threadId: "t", runId: "r" },
  { type: "TEXT_MESSAGE_START", messageId: "m1", role: "assistant" },
  { type: "TEXT_MESSAGE_CONTENT", messageId: "m1", delta: "I wanted" },
  { type: "RUN_ERROR", message: "The model is overloaded.", code: "overloaded" },
]);
mock.mount("/agui", agui);

const a2a = new A2AMock();
a2a.registerAgent({ name: "assistant", capabilities: { streaming: true } });
a2a.onStreamingTask("assistant", "greet me", [
  { type: "status", state: "TASK_STATE_WORKING" },
  { type: "artifact", parts: [{ text: "A draft" }], append: false },
  { type: "artifact", parts: [{ text: ANSWER.slice(0, 7) }], append: false },
  { type: "artifact", parts: [{ text: ANSWER.slice(7) }], append: true, lastChunk: true },
  { type: "status", state: "TASK_STATE_COMPLETED" },
]);
a2a.onStreamingTask("assistant", "fail", [
  { type: "status", state: "TASK_STATE_WORKING" },
  { type: "artifact", parts: [{ text: "I wanted" }], append: false },
  { type: "status", state: "TASK_STATE_FAILED" },
]);
mock.mount("/a2a", a2a);

await mock.start();
console.log(JSON.stringify({ url: mock.url }));

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
