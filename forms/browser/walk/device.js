// Which device changes an answer, and which of its changes it is: domain/answers.py puts them in order by this.
import { db } from "../queue/store.js";

/** The branch of this person on this phone, and the first of `count` new step numbers. Counted in one transaction, so that two tabs never share one. */
export async function takeSteps(login, count) {
  const work = (await db()).transaction("facts", "readwrite", { durability: "strict" });
  const key = `branch:${login}`;
  const { branch, step } = (await work.store.get(key)) ?? { branch: crypto.randomUUID(), step: 0 };
  await work.store.put({ branch, step: step + count }, key);
  await work.done;
  return { branch, first: step + 1 };
}
