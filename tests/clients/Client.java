import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The JDK's HttpClient, which asks for HTTP/2 by an upgrade, against the service: java Client.java URL FOLDER. */
public class Client {
    static final Pattern VALUE = Pattern.compile("\"value\":([-0-9.eE]+)");

    public static void main(String[] given) throws Exception {
        Path folder = Path.of(given[1]);
        String json = "{\"loss\":\"mse\",\"predictions\":[1,2],\"targets\":[0,0]}";
        byte[] both = Files.readAllBytes(folder.resolve("both.npy"));
        for (HttpClient.Version version : HttpClient.Version.values()) {
            HttpClient client = HttpClient.newBuilder().version(version).connectTimeout(Duration.ofSeconds(10)).build();
            for (int again = 0; again < 3; again++) {
                say(client, version + " json", given[0], "application/json", BodyPublishers.ofString(json));
            }
            say(client, version + " npy", given[0], "application/x-npy", BodyPublishers.ofByteArray(both));
            say(client, version + " chunks", given[0], "application/x-npy",
                BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(both)));
            say(client, version + " 1.6 MB", given[0], "application/json",
                BodyPublishers.ofFile(folder.resolve("big.json")));
        }
    }

    static void say(HttpClient client, String way, String url, String media, BodyPublisher body) throws Exception {
        String query = media.endsWith("npy") ? "?loss=mse" : "";
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/v1/evaluate" + query))
            .timeout(Duration.ofSeconds(30)).header("Content-Type", media).POST(body).build();
        HttpResponse<String> answer = client.send(request, BodyHandlers.ofString());
        Matcher value = VALUE.matcher(answer.body());
        System.out.println(way + "|" + answer.statusCode() + "|" + answer.version() + "|"
            + (value.find() ? value.group(1) : answer.body()));
    }
}
