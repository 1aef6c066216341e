import Foundation
public import Testing

/// Runs trials that mostly wait at the same time, each on a thread of its own: `--no-parallel` runs the cases of a table one after
/// the other. An error of a trial is recorded. With the trait `namesTrials`, every issue names what was tried on.
///
/// - Parameter most: how many trials run at the same time.
public func atOnce<Each: Sendable>(
  _ all: some Sequence<Each>, most: Int = .max, _ trial: @escaping @Sendable (Each) throws -> Void
) async {
  await withTaskGroup(of: Void.self) { group in
    var trials = 0
    for (index, each) in all.enumerated() {
      trials += 1
      if index >= most { await group.next() }
      group.addTask(executorPreference: ThreadForEach()) {
        Trial.$name.withValue("\(each)") {
          do {
            try trial(each)
          } catch {
            Issue.record("\(error)")
          }
        }
      }
    }
    if trials == 0 { Issue.record("there is nothing to try") }
  }
}

private enum Trial {
  /// What the present trial is tried on.
  @TaskLocal static var name: String?
}

extension Trait where Self == IssueHandlingTrait {
  /// Adds to each issue what the trial of `atOnce` was tried on.
  public static var namesTrials: Self {
    .compactMapIssues { issue in
      guard let name = Trial.name else { return issue }
      let comment: Comment = "tried on \(name)"
      // Of a suite in a suite it has been added already.
      guard !issue.comments.contains(comment) else { return issue }
      var issue = issue
      issue.comments.append(comment)
      return issue
    }
  }
}

/// Runs each job on a new thread, because it may block.
private final class ThreadForEach: TaskExecutor {
  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let executor = asUnownedTaskExecutor()
    Thread.detachNewThread { job.runSynchronously(on: executor) }
  }
}
