// bench/write-batch.bench.ts
import * as fs from "fs";
import { tmpdir } from "os";
import { join } from "path";
import { openWriter } from "@orch/jsonl";
import { pino } from "pino";
import sonicBoom from "sonic-boom";

// ../../tooling/bench/compare.ts
import { appendFileSync } from "fs";
async function compare(comparison) {
  const { peers = [], limit, rounds: rounds2 = 7 } = comparison;
  const others = [...peers, ...limit ? [limit] : []];
  const runs = [comparison.ours, ...others.map((other) => other.run)];
  const values = runs.map(() => []);
  for (let round = 0; round <= rounds2; round += 1) {
    for (let turn = 0; turn < runs.length; turn += 1) {
      const index = (turn + round) % runs.length;
      const value = await runs[index]?.();
      if (value === void 0 || !Number.isFinite(value) || value <= 0) {
        throw new Error(`${comparison.case}: contender ${index} measured ${String(value)}.`);
      }
      if (round > 0) values[index]?.push(value);
    }
  }
  const [ours = [], ...theirs] = values;
  const { suite, case: name, unit: unit2, better } = comparison;
  const head = { suite, case: name, unit: unit2, better, ours: median(ours) };
  if (others.length === 0) record(head);
  others.forEach((other, index) => {
    const their = theirs[index] ?? [];
    const ratio = median(ours.map((value, round) => value / (their[round] ?? Number.NaN)));
    const against = other === limit ? "limit" : "peer";
    record({
      ...head,
      [against]: { name: other.name, value: median(their) },
      ratio,
      ...other.target !== void 0 && {
        target: { against, ratio: other.target },
        held: better === "higher" ? ratio >= other.target : ratio <= other.target
      }
    });
  });
}
async function perCpuSecond(units, work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return units / ((user + system) / 1e6);
}
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
function record(row) {
  const other = row.peer ?? row.limit;
  const verdict = row.held === void 0 ? "      " : row.held ? "held  " : "MISSED";
  const sign = row.better === "higher" ? ">=" : "<=";
  const ratio = row.ratio === void 0 ? "" : ` \xB7 ${row.ratio.toFixed(2)} of ${other?.name ?? ""}`;
  const target = row.target ? ` (target ${sign} ${row.target.ratio})` : "";
  const numbers = `${figure(row.ours)}${other ? ` to ${figure(other.value)}` : ""} ${row.unit}`;
  console.log(`${verdict} ${row.case}${ratio}${target} \xB7 ${numbers}`);
  const file = process.env["ORCH_BENCH_ROWS"];
  if (file) appendFileSync(file, `${JSON.stringify(row)}
`);
}
function figure(value) {
  return value.toLocaleString("en", { maximumSignificantDigits: 4 });
}

// bench/append-by-hand.ts
import { writeSync } from "fs";
function appenderByHand(file, isShared) {
  const buffer = Buffer.allocUnsafeSlow(64 * 1024);
  buffer[0] = 10;
  const lineBuffer = buffer.subarray(1);
  const sent = isShared ? buffer : lineBuffer;
  return (record2) => {
    const line = JSON.stringify(record2);
    if (line.includes("\\ud")) throw new Error("A pair may be cut in half");
    const length = lineBuffer.write(line);
    lineBuffer[length] = 10;
    const bytes = length + (isShared ? 2 : 1);
    if (writeSync(file, sent, void 0, bytes) !== bytes) throw new Error("Half written");
  };
}

// bench/records.ts
var sizes = { "170 B": 170, "1 KB": 1024, "19 KB": 19 * 1024 };
var words = [
  "the of and error file return const value undefined function import test module result async",
  "session record tool call path/to/file.ts {brace} (paren) => 42 0x1f null true while string"
].join(" ").split(" ").concat(['"quoted"', "\n  ", "	", "it's", "C:\\temp"]);
var wideShare = 0.02;
var makeUp = { "1 KB": 2, "19 KB": 5990 };
function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = state * 1664525 + 1013904223 >>> 0;
    return state / 2 ** 32;
  };
}
function makeText(random, length) {
  const parts = [];
  for (let made = 0; made < length; ) {
    const word = words[Math.floor(random() * words.length)] ?? "";
    parts.push(word);
    made += word.length + 1;
  }
  const text = parts.join(" ").slice(0, length);
  return random() < wideShare ? `${text.slice(0, -4)}\xE9 \u2192 \u{1F600}` : text;
}
function makeContent(random, size) {
  if (size === "170 B") return makeText(random, 59);
  const bytes = sizes[size];
  const share = Math.floor(bytes / 4.6);
  return [
    { type: "text", text: makeText(random, share) },
    {
      type: "tool_use",
      id: `toolu_${Math.floor(random() * 2 ** 32).toString(16)}`,
      name: "Edit",
      input: {
        file_path: "/repository/packages/jsonl/src/write/writer.ts",
        old_string: makeText(random, share),
        new_string: makeText(random, share),
        replace_all: false
      }
    },
    { type: "text", text: makeText(random, makeUp[size]) }
  ];
}
function makeRecords(size, count, seed = 1) {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, index) => ({
    v: 1,
    seq: index + 1,
    at: new Date(178e10 + index * 1234).toISOString(),
    kind: random() < 0.5 ? "message" : "tool_call",
    data: { role: "assistant", content: makeContent(random, size) }
  }));
}

// bench/write-batch.bench.ts
var { SonicBoom } = sonicBoom;
var directory = fs.mkdtempSync(join(tmpdir(), "jsonl-bench-"));
var unit = "records/cpu-s";
var files = 0;
var nextFile = () => join(directory, `${files += 1}.jsonl`);
var sizeOf = (path) => fs.existsSync(path) ? fs.statSync(path).size : 0;
function rounds(path, count, bytes, work) {
  return async () => {
    const before = sizeOf(path);
    globalThis.gc?.();
    const value = await perCpuSecond(count, work);
    const grown = sizeOf(path) - before;
    if (grown !== bytes) throw new Error(`${path} grew by ${grown} bytes, expected ${bytes}`);
    if (grown > 0) fs.truncateSync(path);
    return value;
  };
}
function writeByHand(file, records) {
  let end = 0;
  for (const record2 of records) {
    const line = JSON.stringify(record2);
    if (end + line.length * 3 >= handBuffer.length) {
      fs.writeSync(file, handBuffer, 0, end);
      end = 0;
    }
    end += handBuffer.write(line, end);
    handBuffer[end] = 10;
    end += 1;
  }
  fs.writeSync(file, handBuffer, 0, end);
}
function writeJoinedByHand(file, records) {
  let end = 0;
  let lines = "";
  for (const record2 of records) {
    lines += JSON.stringify(record2) + "\n";
    if (lines.length < 2048) continue;
    end += handBuffer.write(lines, end);
    lines = "";
  }
  end += handBuffer.write(lines, end);
  fs.writeSync(file, handBuffer, 0, end);
}
var handBuffer = Buffer.allocUnsafeSlow(256 * 1024 + 3 * sizes["19 KB"]);
var counts = { "170 B": 4e4, "1 KB": 8e3, "19 KB": 600 };
var together = { "170 B": 1542, "1 KB": 256, "19 KB": 14 };
var targets = { "170 B": 0.85, "1 KB": 0.7, "19 KB": 0.7 };
for (const size of ["170 B", "1 KB", "19 KB"]) {
  const records = makeRecords(size, counts[size]);
  const byteCount = (some) => some.reduce((sum, one) => sum + Buffer.byteLength(JSON.stringify(one)) + 1, 0);
  const bytes = byteCount(records);
  const mean = bytes / records.length;
  if (Math.abs(mean / sizes[size] - 1) > 0.01) throw new Error(`${size}: ${mean} bytes a record`);
  const batches = [];
  for (let at = 0; at < records.length; at += together[size]) {
    batches.push(records.slice(at, at + together[size]));
  }
  const base = { suite: "jsonl", unit, better: "higher" };
  const path = nextFile();
  const writer = await openWriter(path, { durability: "kernel" });
  const sonicPath = nextFile();
  const sonic = new SonicBoom({ dest: sonicPath, sync: true, minLength: 0 });
  const sonicLaterPath = nextFile();
  const sonicLater = new SonicBoom({ dest: sonicLaterPath, sync: true, minLength: 4096 });
  const pinoPath = nextFile();
  const pinoSonic = new SonicBoom({ dest: pinoPath, sync: true, minLength: 0 });
  const logger = pino({ base: null, timestamp: false }, pinoSonic);
  const pinoLine = '{"level":30,'.length - "{".length;
  const streamPath = nextFile();
  const stream = fs.createWriteStream(streamPath, { flags: "a" });
  const handPath = nextFile();
  const hand = fs.openSync(handPath, "a");
  const appendByHand = appenderByHand(hand, false);
  const peerTarget = size === "170 B" ? { target: 2 } : {};
  await compare({
    ...base,
    case: `appendMany, ${together[size]} records of ${size} a call`,
    ours: rounds(path, records.length, bytes, async () => {
      for (const batch of batches) await writer.appendMany(batch);
    }),
    limit: {
      name: "JSON.stringify alone",
      target: targets[size],
      run: rounds(nextFile(), records.length, 0, () => {
        let length = 0;
        for (const record2 of records) length += JSON.stringify(record2).length;
        if (length === 0) throw new Error("nothing was stringified");
      })
    },
    peers: [
      {
        name: "sonic-boom sync",
        ...peerTarget,
        run: rounds(sonicPath, records.length, bytes, () => {
          for (const record2 of records) sonic.write(JSON.stringify(record2) + "\n");
          sonic.flushSync();
        })
      },
      {
        name: "sonic-boom sync, minLength 4096",
        ...peerTarget,
        run: rounds(sonicLaterPath, records.length, bytes, () => {
          for (const record2 of records) sonicLater.write(JSON.stringify(record2) + "\n");
          sonicLater.flushSync();
        })
      },
      {
        name: "pino",
        ...peerTarget,
        run: rounds(pinoPath, records.length, bytes + pinoLine * records.length, () => {
          for (const record2 of records) logger.info(record2);
          pinoSonic.flushSync();
        })
      },
      {
        name: "a loop by hand with one buffer",
        run: rounds(handPath, records.length, bytes, () => writeByHand(hand, records))
      },
      {
        name: "that loop with short lines put together",
        run: rounds(handPath, records.length, bytes, () => {
          for (const batch of batches) writeJoinedByHand(hand, batch);
        })
      },
      {
        name: "WriteStream",
        run: rounds(streamPath, records.length, bytes, async () => {
          for (const record2 of records) {
            if (stream.write(JSON.stringify(record2) + "\n")) continue;
            await new Promise((resolve) => stream.once("drain", resolve));
          }
          await new Promise((resolve) => stream.write("", () => resolve()));
        })
      }
    ]
  });
  const barePath = nextFile();
  const bare = fs.openSync(barePath, "a");
  const filePath = nextFile();
  await compare({
    ...base,
    case: `appendSync, ${size} a record`,
    ours: rounds(path, records.length, bytes, () => {
      for (const record2 of records) writer.appendSync(record2);
    }),
    limit: {
      name: "bare writeSync",
      target: 0.95,
      run: rounds(barePath, records.length, bytes, () => {
        for (const record2 of records) fs.writeSync(bare, JSON.stringify(record2) + "\n");
      })
    },
    peers: [
      {
        name: "the same promises by hand",
        run: rounds(handPath, records.length, bytes, () => {
          for (const record2 of records) appendByHand(record2);
        })
      },
      {
        name: "appendFileSync",
        run: rounds(filePath, records.length, bytes, () => {
          for (const record2 of records) fs.appendFileSync(filePath, JSON.stringify(record2) + "\n");
        })
      }
    ]
  });
  const few = records.slice(0, records.length / 8);
  const handlePath = nextFile();
  const handle = await fs.promises.open(handlePath, "a");
  await compare({
    ...base,
    case: `append, a promise each, 64 at a time, ${size} a record`,
    ours: rounds(path, few.length, byteCount(few), async () => {
      for (let at = 0; at < few.length; at += 64) {
        await Promise.all(few.slice(at, at + 64).map((record2) => writer.append(record2)));
      }
    }),
    peers: [
      {
        name: "FileHandle.appendFile, awaited",
        run: rounds(handlePath, few.length, byteCount(few), async () => {
          for (const record2 of few) await handle.appendFile(JSON.stringify(record2) + "\n");
        })
      }
    ]
  });
  await writer.close();
  await handle.close();
  fs.closeSync(bare);
  fs.closeSync(hand);
  for (const boom of [sonic, sonicLater, pinoSonic]) boom.destroy();
  stream.destroy();
}
fs.rmSync(directory, { recursive: true });
