// SPDX-License-Identifier: Apache-2.0
// Bouncy Castle as a producer of SignedData. Standard input has one line for
// each, with tabs between: words about its form (separated by blanks), the
// content's file, the file to write, the signers (each CERT,KEY as PEM, with
// blanks between), the certificates to put in (blanks between, in that order),
// the certificate the key preference names (or nothing). Standard output has
// one line for each: "ok" or "cannot REASON".
//
// Words: opaque, stream (BER of indefinite length), pss, sha512, keyid, caps,
// bare (no signed attributes).

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.IssuerAndSerialNumber;
import org.bouncycastle.asn1.smime.SMIMECapabilitiesAttribute;
import org.bouncycastle.asn1.smime.SMIMECapability;
import org.bouncycastle.asn1.smime.SMIMECapabilityVector;
import org.bouncycastle.asn1.smime.SMIMEEncryptionKeyPreferenceAttribute;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.CMSSignedDataStreamGenerator;
import org.bouncycastle.cms.DefaultSignedAttributeTableGenerator;
import org.bouncycastle.cms.SignerInfoGenerator;
import org.bouncycastle.cms.SignerInfoGeneratorBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.DigestCalculatorProvider;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

public class Producer {
	public static void main(String[] args) throws Exception {
		Security.addProvider(new BouncyCastleProvider());
		BufferedReader lines = new BufferedReader(
		    new InputStreamReader(System.in));
		for (String line; (line = lines.readLine()) != null;) {
			String answer = "ok";
			try {
				produce(line.split("\t", -1));
			} catch (Exception e) {
				answer = "cannot " + e;
			}
			System.out.println(answer.replace('\n', ' '));
			System.out.flush();
		}
	}

	private static void produce(String[] fields) throws Exception {
		List<String> form = Arrays.asList(fields[0].split(" "));
		byte[] content = Files.readAllBytes(Paths.get(fields[1]));
		List<SignerInfoGenerator> signers = new ArrayList<>();
		for (String signer : words(fields[3]))
			signers.add(signer(form, signer.split(","), fields[5]));
		List<X509Certificate> certs = new ArrayList<>();
		for (String cert : words(fields[4]))
			certs.add(certificate(cert));
		try (OutputStream out = new FileOutputStream(fields[2])) {
			if (form.contains("stream"))
				stream(form, content, signers, certs, out);
			else
				whole(form, content, signers, certs, out);
		}
	}

	private static void whole(List<String> form, byte[] content,
	    List<SignerInfoGenerator> signers, List<X509Certificate> certs,
	    OutputStream out) throws Exception {
		CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
		for (SignerInfoGenerator signer : signers)
			generator.addSignerInfoGenerator(signer);
		generator.addCertificates(new JcaCertStore(certs));
		out.write(generator.generate(new CMSProcessableByteArray(content),
		    form.contains("opaque")).getEncoded());
	}

	private static void stream(List<String> form, byte[] content,
	    List<SignerInfoGenerator> signers, List<X509Certificate> certs,
	    OutputStream out) throws Exception {
		CMSSignedDataStreamGenerator generator =
		    new CMSSignedDataStreamGenerator();
		for (SignerInfoGenerator signer : signers)
			generator.addSignerInfoGenerator(signer);
		generator.addCertificates(new JcaCertStore(certs));
		generator.setBufferSize(100);
		try (OutputStream inside = generator.open(out,
		    form.contains("opaque"))) {
			inside.write(content);
		}
	}

	private static SignerInfoGenerator signer(List<String> form,
	    String[] paths, String preferred) throws Exception {
		X509Certificate certificate = certificate(paths[0]);
		PrivateKey key = key(paths[1],
		    certificate.getPublicKey().getAlgorithm());
		String digest = form.contains("sha512") ? "SHA512" : "SHA256";
		String algorithm = digest + (key.getAlgorithm().equals("RSA")
		    ? (form.contains("pss") ? "withRSAandMGF1" : "withRSA")
		    : "withECDSA");
		ContentSigner signer = new JcaContentSignerBuilder(algorithm)
		    .setProvider("BC").build(key);
		DigestCalculatorProvider digests =
		    new JcaDigestCalculatorProviderBuilder()
		    .setProvider("BC").build();
		SignerInfoGeneratorBuilder builder =
		    new SignerInfoGeneratorBuilder(digests);
		builder.setSignedAttributeGenerator(
		    new DefaultSignedAttributeTableGenerator(
			attributes(form, preferred)));
		builder.setDirectSignature(form.contains("bare"));
		if (form.contains("keyid"))
			return builder.build(signer, new JcaX509ExtensionUtils()
			    .createSubjectKeyIdentifier(
				certificate.getPublicKey()).getKeyIdentifier());
		return builder.build(signer,
		    new JcaX509CertificateHolder(certificate));
	}

	private static AttributeTable attributes(List<String> form,
	    String preferred) throws Exception {
		ASN1EncodableVector all = new ASN1EncodableVector();
		if (form.contains("caps")) {
			SMIMECapabilityVector ciphers = new SMIMECapabilityVector();
			ciphers.addCapability(SMIMECapability.aES256_CBC);
			ciphers.addCapability(SMIMECapability.aES128_CBC);
			ciphers.addCapability(SMIMECapability.rC2_CBC, 128);
			all.add(new SMIMECapabilitiesAttribute(ciphers));
		}
		if (!preferred.isEmpty())
			all.add(new SMIMEEncryptionKeyPreferenceAttribute(
			    new IssuerAndSerialNumber(new JcaX509CertificateHolder(
				certificate(preferred)).toASN1Structure())));
		return new AttributeTable(all);
	}

	private static String[] words(String text) {
		return text.isEmpty() ? new String[0] : text.split(" ");
	}

	private static X509Certificate certificate(String path) throws Exception {
		try (InputStream in = new FileInputStream(path)) {
			return (X509Certificate) CertificateFactory
			    .getInstance("X.509").generateCertificate(in);
		}
	}

	private static PrivateKey key(String path, String algorithm)
	    throws Exception {
		String text = new String(Files.readAllBytes(Paths.get(path)))
		    .replaceAll("-----[A-Z ]*-----", "").replaceAll("\\s", "");
		return KeyFactory.getInstance(algorithm, "BC").generatePrivate(
		    new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text)));
	}
}
