import com.google.firebase.rules.runtime.v1.ExpressionMapValue;
import com.google.firebase.rules.runtime.v1.ExpressionValue;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import java.util.Map;

/** Turns the protocol's JSON, and Firestore documents in their REST form, into rules values. */
final class RulesJson {
  static final Gson GSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

  /** Firestore's names of the kinds of value that the rules engine calls otherwise. */
  private static final Map<String, String> ENGINE_KINDS =
      Map.of(
          "booleanValue", "boolValue",
          "integerValue", "intValue",
          "doubleValue", "floatValue",
          "geoPointValue", "latlngValue");

  private RulesJson() {}

  /** Reads a value that is written in the engine's own kinds ({"string_value": "a"}). */
  static ExpressionValue value(JsonElement value) throws InvalidProtocolBufferException {
    ExpressionValue.Builder parsed = ExpressionValue.newBuilder();
    JsonFormat.parser().merge(GSON.toJson(value), parsed);
    return parsed.build();
  }

  /** An object of one member. */
  static JsonObject object(String name, Object value) {
    JsonObject object = new JsonObject();
    object.add(name, GSON.toJsonTree(value));
    return object;
  }

  /** A document as rules see it: its data, its id and its path (`__name__`). */
  static ExpressionValue document(JsonObject document)
      throws InvalidProtocolBufferException {
    String name = document.get("name").getAsString();
    ExpressionMapValue.Builder map =
        ExpressionMapValue.newBuilder()
            .putFields("data", value(engineValue(object("mapValue", document))))
            .putFields("id", value(object("stringValue", name.substring(name.lastIndexOf('/') + 1))))
            .putFields("__name__", value(reference(name)));
    return ExpressionValue.newBuilder().setMapValue(map).build();
  }

  /** Firestore's REST form of a value ({"integerValue": "3"}) as JSON of the engine's own kinds. */
  private static JsonObject engineValue(JsonObject typed) {
    Map.Entry<String, JsonElement> only = typed.entrySet().iterator().next();
    String kind = only.getKey();
    JsonElement value = only.getValue();
    if (kind.equals("referenceValue")) {
      return reference(value.getAsString());
    }
    if (kind.equals("mapValue")) {
      JsonObject fields = new JsonObject();
      // Firestore leaves "fields", and "values" below, out where there are none.
      members(value, "fields", new JsonObject()).getAsJsonObject().entrySet().forEach(
          field -> fields.add(field.getKey(), engineValue(field.getValue().getAsJsonObject())));
      return object(kind, object("fields", fields));
    }
    if (kind.equals("arrayValue")) {
      JsonArray values = new JsonArray();
      members(value, "values", new JsonArray()).getAsJsonArray().forEach(
          element -> values.add(engineValue(element.getAsJsonObject())));
      return object("listValue", object("values", values));
    }
    return object(ENGINE_KINDS.getOrDefault(kind, kind), value);
  }

  private static JsonElement members(JsonElement holder, String name, JsonElement none) {
    JsonElement found = holder.getAsJsonObject().get(name);
    return found == null ? none : found;
  }

  /** Rules write paths from /databases on; REST names begin with projects/{project}. */
  private static JsonObject reference(String name) {
    JsonArray segments = new JsonArray();
    for (String segment : name.replaceFirst("^projects/[^/]+/", "").split("/")) {
      segments.add(object("simple", segment));
    }
    return object("pathValue", object("segments", segments));
  }
}
