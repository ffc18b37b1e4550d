import com.google.common.collect.ImmutableList;
import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.common.util.concurrent.MoreExecutors;
import com.google.common.util.concurrent.SettableFuture;
import com.google.firebase.rules.lang.CompileResult;
import com.google.firebase.rules.lang.FirebaseRulesProtoCompiler;
import com.google.firebase.rules.lang.common.FirebaseRulesLangOptions;
import com.google.firebase.rules.runtime.common.AsyncRuntimeFunction;
import com.google.firebase.rules.runtime.common.EvaluationException;
import com.google.firebase.rules.runtime.common.EvaluationListener;
import com.google.firebase.rules.runtime.common.EvaluationRestrictions;
import com.google.firebase.rules.runtime.common.EvaluationResult;
import com.google.firebase.rules.runtime.evaluators.AuthRuleEvaluator.RuleContext;
import com.google.firebase.rules.runtime.impl.DefaultEvaluator;
import com.google.firebase.rules.runtime.utils.ExpressionValueUtils;
import com.google.firebase.rules.runtime.v1.ExecutionRequest;
import com.google.firebase.rules.runtime.v1.ExecutionResponse;
import com.google.firebase.rules.runtime.v1.ExpressionPathValue;
import com.google.firebase.rules.runtime.v1.ExpressionValue;
import com.google.firebase.rules.runtime.v1.RulesetAst;
import com.google.firebase.rules.v1.File;
import com.google.firebase.rules.v1.Issue;
import com.google.firebase.rules.v1.Source;
import com.google.firebase.rules.v1.SourcePosition;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.stream.Collectors;

/**
 * Stands in for Firebase's cloud-storage-rules-runtime: the Storage emulator's line protocol on
 * stdin and stdout, answered by the rules engine inside the Google Cloud SDK's Firestore emulator.
 *
 * <p>The other side is firebase-tools' lib/emulator/storage/rules/runtime.js. One JSON request a
 * line, one JSON reply a line, matched by "id". Everything runs on the thread that reads stdin: the
 * engine returns a future instead of waiting for a document, so a rule that waits for Firestore
 * holds up nobody, and no two replies can mix within a line.
 */
public final class StorageRulesRuntime {
  /** The id of a message that answers no request: the greeting, and a line we cannot attribute. */
  private static final int NO_REQUEST = -1;

  /**
   * The variable that names the folder, where it is set, to keep a report of rule coverage in: each
   * emulator stack has a temporary folder of its own, so that two stacks do not mix.
   */
  private static final String COVERAGE_FOLDER = "TMPDIR";

  private static final String COVERAGE_FILE = "storage-rule-coverage.json";

  private final FirebaseRulesProtoCompiler compiler =
      FirebaseRulesProtoCompiler.createStandalone(
          FirebaseRulesLangOptions.builder()
              .allowTernaryOperator(true)
              .allowCrossServiceRules(true)
              .build());
  private final Map<String, DefaultEvaluator> rulesets = new HashMap<>();
  private final Map<Long, Verification> verifications = new HashMap<>();
  private final PrintStream out;

  private StorageRulesRuntime(PrintStream out) {
    this.out = out;
  }

  /** Serves until stdin ends. The arguments ("serve") are firebase-tools' and say nothing more. */
  public static void main(String[] args) throws IOException {
    PrintStream protocol = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    // A library that prints to stdout would break the protocol, and firebase-tools shows whatever
    // comes on stderr as an unexpected error; so only this class may write to the real stdout.
    System.setOut(System.err);
    new StorageRulesRuntime(protocol)
        .serve(new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)));
  }

  private void serve(BufferedReader requests) throws IOException {
    JsonObject greeting = new JsonObject();
    greeting.addProperty("id", NO_REQUEST);
    greeting.addProperty("status", "ok");
    print(greeting);
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      if (!line.isBlank()) {
        handle(line);
      }
    }
  }

  /** Answers one line; whatever is wrong with it is told to the caller and ends there. */
  private void handle(String line) {
    JsonObject request = new JsonObject();
    try {
      request = JsonParser.parseString(line).getAsJsonObject();
      long id = request.get("id").getAsLong();
      String action = request.has("action") ? request.get("action").getAsString() : "";
      switch (action) {
        case "load_ruleset" -> loadRuleset(id, request.getAsJsonObject("context"));
        case "verify" -> verify(id, request.getAsJsonObject("context"));
        case "" -> acceptDocument(id, request);
        default -> throw new IllegalArgumentException("unknown action " + action);
      }
    } catch (RuntimeException | InvalidProtocolBufferException | StackOverflowError e) {
      // Rules or JSON nested thousands deep end in a StackOverflowError; the process survives it.
      refuse(request.get("id"), "Bad request: " + e);
    }
  }

  private void loadRuleset(long id, JsonObject context) {
    Source.Builder source = Source.newBuilder();
    for (JsonElement element : context.getAsJsonObject("source").getAsJsonArray("files")) {
      JsonObject file = element.getAsJsonObject();
      source.addFiles(
          File.newBuilder()
              .setName(file.get("name").getAsString())
              .setContent(file.get("content").getAsString()));
    }
    CompileResult compiled = compiler.compile(source);
    List<String> errors = new ArrayList<>();
    List<String> warnings = new ArrayList<>();
    for (Issue issue : compiled.getIssues()) {
      (issue.getSeverity() == Issue.Severity.ERROR ? errors : warnings).add(describe(issue));
    }
    JsonObject result = new JsonObject();
    if (errors.isEmpty()) {
      String name = context.get("rulesetName").getAsString();
      rulesets.put(name, evaluator(compiled.getRulesetAst()));
      result.addProperty("rulesVersion", compiled.getRulesetAst().getVersionValue());
    }
    reply(id, result, errors, warnings);
  }

  private static DefaultEvaluator evaluator(RulesetAst ruleset) {
    String folder = System.getenv(COVERAGE_FOLDER);
    if (folder == null) {
      return new DefaultEvaluator(ruleset);
    }
    EvaluationListener coverage = new RuleCoverage(ruleset, Path.of(folder, COVERAGE_FILE));
    return new DefaultEvaluator(
        ruleset, ImmutableList.of(() -> coverage), EvaluationRestrictions.builder().build());
  }

  private static String describe(Issue issue) {
    SourcePosition at = issue.getSourcePosition();
    return "%s:%d:%d - %s"
        .formatted(at.getFileName(), at.getLine(), at.getColumn(), issue.getDescription());
  }

  private void verify(long id, JsonObject context) throws InvalidProtocolBufferException {
    DefaultEvaluator ruleset = rulesets.get(context.get("rulesetName").getAsString());
    if (ruleset == null) {
      throw new IllegalArgumentException("no ruleset " + context.get("rulesetName"));
    }
    Verification verification = new Verification(id);
    RuleContext.Builder rule =
        RuleContext.builder()
            .service(context.get("service").getAsString())
            .method(context.get("method").getAsString())
            .path(path(context.get("path").getAsString()))
            .supplyFunction(new DocumentFunction("firestore.get", verification))
            .supplyFunction(new DocumentFunction("firestore.exists", verification))
            .supplyFunction(new DebugFunction());
    for (Map.Entry<String, JsonElement> variable :
        context.getAsJsonObject("variables").entrySet()) {
      rule.supplyVariable(variable.getKey(), RulesJson.value(variable.getValue()));
    }
    verifications.put(id, verification);
    Futures.addCallback(
        ruleset.evaluate(rule.build()), verification, MoreExecutors.directExecutor());
  }

  /** Paths come decoded, so a percent sign in an object's name must not be decoded once more. */
  private static ExpressionPathValue path(String path) {
    return ExpressionValueUtils.path(
            Arrays.stream(path.split("/"))
                .filter(segment -> !segment.isEmpty())
                .map(ExpressionValueUtils::simpleSegment)
                .toList())
        .getPathValue();
  }

  private void acceptDocument(long id, JsonObject answer) {
    Verification verification = verifications.get(id);
    if (verification == null) {
      throw new IllegalArgumentException("no request " + id + " waits for a document");
    }
    verification.accept(answer);
  }

  private void reply(long id, JsonObject result, List<String> errors, List<String> warnings) {
    JsonObject reply = new JsonObject();
    reply.addProperty("id", id);
    reply.addProperty("status", "ok");
    reply.add("result", result);
    reply.add("errors", RulesJson.GSON.toJsonTree(errors));
    reply.add("warnings", RulesJson.GSON.toJsonTree(warnings));
    print(reply);
  }

  /**
   * Answers a request that cannot be served. Where its id is known the status stays "ok" and the
   * reason goes into "errors": firebase-tools never settles a request answered by another status,
   * and the upload behind it would hang instead of being denied.
   */
  private void refuse(JsonElement id, String reason) {
    boolean known = id != null && id.isJsonPrimitive() && id.getAsJsonPrimitive().isNumber();
    JsonObject reply = new JsonObject();
    reply.add("id", known ? id : RulesJson.GSON.toJsonTree(NO_REQUEST));
    reply.addProperty("status", known ? "ok" : "error");
    reply.addProperty("message", reason);
    reply.add("errors", RulesJson.GSON.toJsonTree(List.of(reason)));
    reply.add("warnings", new JsonArray());
    print(reply);
  }

  private void print(JsonObject message) {
    out.println(RulesJson.GSON.toJson(message));
  }

  /** One verify request on its way: its documents, asked for one at a time, and its outcome. */
  private final class Verification implements FutureCallback<EvaluationResult> {
    private record Fetch(String path, SettableFuture<JsonObject> answer) {}

    private final long id;
    private final Queue<Fetch> fetches = new ArrayDeque<>();
    private Runnable outcome;

    Verification(long id) {
      this.id = id;
    }

    /** The engine tries all matching rules at once, so several documents may be wanted together. */
    ListenableFuture<JsonObject> fetch(String path) {
      Fetch fetch = new Fetch(path, SettableFuture.create());
      fetches.add(fetch);
      if (fetches.size() == 1) {
        ask(fetch);
      }
      return fetch.answer();
    }

    /** The question bears the request's own id, so only one may be open at a time per request. */
    private void ask(Fetch fetch) {
      JsonObject question = new JsonObject();
      question.addProperty("id", id);
      question.addProperty("server_request_id", id);
      question.addProperty("action", "fetch_firestore_document");
      question.addProperty("status", "ok");
      question.add("context", RulesJson.object("path", fetch.path()));
      print(question);
    }

    void accept(JsonObject answer) {
      Fetch answered = fetches.peek();
      if (answered == null) {
        throw new IllegalArgumentException("request " + id + " asked for no document");
      }
      answered.answer().set(answer);
      fetches.remove();
      if (outcome != null) {
        outcome.run();
      } else if (!fetches.isEmpty()) {
        ask(fetches.peek());
      }
    }

    @Override
    public void onSuccess(EvaluationResult result) {
      finish(result.permit(), List.of());
    }

    /** A rule that cannot be evaluated denies; the reason helps whoever writes the rules. */
    @Override
    public void onFailure(Throwable failure) {
      finish(false, List.of("Denied, the rule could not be evaluated: " + failure.getMessage()));
    }

    private void finish(boolean permit, List<String> warnings) {
      outcome =
          () -> {
            verifications.remove(id);
            reply(id, RulesJson.object("permit", permit), List.of(), warnings);
          };
      // One rule may decide while another still waits for its document. firebase-tools takes the
      // next line under this id as the answer to that document, so the outcome waits for it.
      if (fetches.isEmpty()) {
        outcome.run();
      }
    }
  }

  /** firestore.get and firestore.exists: both ask firebase-tools for the document. */
  private record DocumentFunction(String name, Verification verification)
      implements AsyncRuntimeFunction {
    @Override
    public ListenableFuture<ExecutionResponse> execute(ExecutionRequest request) {
      try {
        return Futures.transformAsync(
            verification.fetch(documentPath(request)),
            answer -> Futures.immediateFuture(ExpressionValueUtils.createResponse(value(answer))),
            MoreExecutors.directExecutor());
      } catch (EvaluationException | URISyntaxException | RuntimeException e) {
        return Futures.immediateFailedFuture(e);
      }
    }

    /** The path becomes part of a URL, so '?', '#' and '%' in a document's id must be escaped. */
    private static String documentPath(ExecutionRequest request)
        throws EvaluationException, URISyntaxException {
      List<String> segments =
          ExpressionValueUtils.getPathSegments(
              request.getSourcePosition(), request.getArguments(0).getPathValue());
      String path = segments.stream().collect(Collectors.joining("/", "/", ""));
      return new URI(null, null, path, null).getRawPath();
    }

    private ExpressionValue value(JsonObject answer) throws InvalidProtocolBufferException {
      boolean found = answer.has("status") && "ok".equals(answer.get("status").getAsString());
      if (name.equals("firestore.exists")) {
        return ExpressionValueUtils.createValue(found);
      }
      // A missing document is null in rules; reading its data then fails, which denies.
      return found ? RulesJson.document(answer.getAsJsonObject("result")) : ExpressionValueUtils.NULL;
    }
  }

  /** debug(value): returns the value, and shows it as a line that firebase-tools logs as it is. */
  private final class DebugFunction implements AsyncRuntimeFunction {
    @Override
    public String name() {
      return "debug";
    }

    @Override
    public ListenableFuture<ExecutionResponse> execute(ExecutionRequest request) {
      ExpressionValue value = request.getArguments(0);
      out.println("debug: " + value.toString().replaceAll("\\s+", " "));
      return Futures.immediateFuture(ExpressionValueUtils.createResponse(value));
    }
  }
}
