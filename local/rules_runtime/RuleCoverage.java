import com.google.common.collect.ImmutableMap;
import com.google.common.collect.ImmutableSet;
import com.google.firebase.rules.runtime.common.EvaluationListener;
import com.google.firebase.rules.runtime.common.Evaluator;
import com.google.firebase.rules.runtime.common.ExecutionContext;
import com.google.firebase.rules.runtime.common.ParentPointer;
import com.google.firebase.rules.runtime.tracking.RuleExpressionTracker;
import com.google.firebase.rules.runtime.utils.ExpressionValueUtils;
import com.google.firebase.rules.runtime.v1.Expression;
import com.google.firebase.rules.runtime.v1.ExpressionValue;
import com.google.firebase.rules.runtime.v1.RulesetAst;
import com.google.firebase.rules.runtime.v1.Undefined;
import com.google.firebase.rules.v1.SourcePosition;
import com.google.firestore.emulator.v1.ExpressionReport;
import com.google.firestore.emulator.v1.RuleCoverageReport;
import com.google.firestore.emulator.v1.ValueCount;
import com.google.protobuf.util.JsonFormat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Counts what each expression of one ruleset came to, and keeps the report in a file that is up to
 * date whenever a request has been answered.
 *
 * <p>It is the report that the Firestore emulator gives of Firestore's rules by HTTP, of the same
 * classes; only that of values other than true and false no more than their kind is kept, so that it
 * stays small however long the emulator runs.
 */
final class RuleCoverage implements EvaluationListener {
  private static final ExpressionValue FAILED =
      ExpressionValue.newBuilder().setUndefined(Undefined.getDefaultInstance()).build();

  private final RuleExpressionTracker<ExpressionReport> tracker =
      new RuleExpressionTracker<>(RuleCoverage::report);
  private final RulesetAst ruleset;
  private final Path file;

  RuleCoverage(RulesetAst ruleset, Path file) {
    this.ruleset = ruleset;
    this.file = file;
  }

  @Override
  public void afterExpression(
      Expression expression, ParentPointer<ExecutionContext> context, ExpressionValue value) {
    // There is no value where `&&`, `||` or `?:` had no need of this side.
    if (value != null) {
      tracker.add(expression, shortened(value));
    }
  }

  @Override
  public void afterPermissionEvaluation(Evaluator.Context context, boolean permit) {
    write();
  }

  @Override
  public void afterPermissionEvaluation(Evaluator.Context context, Throwable failure) {
    write();
  }

  private static ExpressionValue shortened(ExpressionValue value) {
    return switch (value.getKindCase()) {
      case BOOL_VALUE -> value;
      case UNDEFINED -> FAILED;
      default -> ExpressionValueUtils.createValue((Object) value.getKindCase().name());
    };
  }

  private static Optional<ExpressionReport> report(
      ImmutableSet<ExpressionReport> children,
      SourcePosition position,
      ImmutableMap<ExpressionValue, Integer> counts) {
    ExpressionReport.Builder report = ExpressionReport.newBuilder().addAllChildren(children);
    if (position != null) {
      report.setSourcePosition(position);
    }
    counts.forEach(
        (value, count) ->
            report.addValues(ValueCount.newBuilder().setValue(value).setCount(count)));
    return Optional.of(report.build());
  }

  private void write() {
    RuleCoverageReport.Builder report =
        RuleCoverageReport.newBuilder().addAllReport(tracker.expressionReports(ruleset));
    try {
      Files.writeString(file, JsonFormat.printer().print(report));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
